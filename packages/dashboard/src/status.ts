/** Shows whether the page is live, paused or disconnected, and reports problems. */
import { element, write } from './elements.ts';
import type { FeedState } from './feed.ts';
import { timeText } from './format.ts';
import { zoneText } from './zone.ts';

const words: Readonly<Record<FeedState, string>> = {
  connecting: 'Connecting',
  open: 'Live',
  lost: 'Disconnected',
  refused: 'No data',
  unauthorized: 'Token required',
};

export function showState(state: FeedState, isPaused: boolean): void {
  const paused = state === 'open' && isPaused;
  element('state', HTMLElement).dataset['state'] = paused
    ? 'paused'
    : state === 'open'
      ? 'live'
      : state;
  write('state', paused ? 'Paused' : words[state]);
  // Figures that stand still must not look like live ones.
  element('view-tiles', HTMLElement).classList.toggle('paused', isPaused);
  write('view-name', isPaused ? 'In view, paused' : 'In view');
  document.body.classList.toggle('stale', state === 'lost');
}

/** @param lostSince end of the newest known window, if the connection is lost */
export function showTrouble(state: FeedState, reason: string, lostSince?: number): void {
  element('trouble', HTMLElement).hidden = reason === '' || state === 'unauthorized';
  const since =
    lostSince === undefined
      ? ''
      : ` The data shown ends at ${timeText(lostSince, 1_000)} ${zoneText(lostSince)}.`;
  write(
    'trouble',
    state === 'lost' ? `The server does not respond.${since} Reconnecting.` : reason,
  );
}
