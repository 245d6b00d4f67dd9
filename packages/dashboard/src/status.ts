/** Shows whether the page is live, paused or disconnected, and reports problems. */
import { element, write } from './elements.ts';
import type { FeedState } from './feed.ts';
import { dateTimeText } from './format.ts';
import { zoneText } from './zone.ts';

const words: Readonly<Record<FeedState, string>> = {
  connecting: 'Connecting',
  open: 'Live',
  lost: 'Disconnected',
  refused: 'No data',
  unauthorized: 'Token required',
};

/** @param isViewed whether nobody adds to the counts, so that nothing is live or paused */
export function showState(state: FeedState, isPaused: boolean, isViewed: boolean): void {
  const paused = state === 'open' && isPaused;
  element('state', HTMLElement).hidden = state === 'open' && isViewed;
  element('state', HTMLElement).dataset['state'] = paused
    ? 'paused'
    : state === 'open'
      ? 'live'
      : state;
  write('state', paused ? 'Paused' : words[state]);
  // Figures that stand still must not look like live ones.
  const isStill = isPaused && !isViewed;
  element('view-tiles', HTMLElement).classList.toggle('paused', isStill);
  write('view-name', isStill ? 'In view, paused' : 'In view');
  document.body.classList.toggle('stale', state === 'lost');
}

/**
 * @param reason of a lost connection: what the server reported, or '' if it did not answer
 * @param lostSince end of the newest known window, if the connection is lost
 */
export function showTrouble(state: FeedState, reason: string, lostSince?: number): void {
  const text = state === 'lost' ? lostText(reason, lostSince) : reason;
  element('trouble', HTMLElement).hidden = text === '' || state === 'unauthorized';
  write('trouble', text);
}

function lostText(reason: string, lostSince: number | undefined): string {
  const what = reason === '' ? 'The server does not respond.' : `Disconnected: ${reason}.`;
  const since =
    lostSince === undefined
      ? ''
      : ` The data shown ends at ${dateTimeText(lostSince, 1_000)} ${zoneText(lostSince)}.`;
  return `${what}${since} Reconnecting.`;
}
