/** Whether the page is live, held or cut off, and what is wrong. */
import { element, write } from './elements.ts';
import type { FeedState } from './feed.ts';
import { timeText } from './text.ts';
import { zoneText } from './zone.ts';

const words: Readonly<Record<FeedState, string>> = {
  connecting: 'Connecting',
  open: 'Live',
  lost: 'Server gone',
  refused: 'Nothing to show',
  locked: 'Locked',
};

export function showState(state: FeedState, isHeld: boolean): void {
  const held = state === 'open' && isHeld;
  element('state', HTMLElement).dataset['state'] = held
    ? 'held'
    : state === 'open'
      ? 'live'
      : state;
  write('state', held ? 'Held' : words[state]);
  // What stands still must not look like what moves on.
  element('view-tiles', HTMLElement).classList.toggle('held', isHeld);
  write('view-name', isHeld ? 'In view, held' : 'In view');
  document.body.classList.toggle('stale', state === 'lost');
}

/** @param lostSince end of what is known, where the server is gone */
export function showTrouble(state: FeedState, reason: string, lostSince?: number): void {
  element('trouble', HTMLElement).hidden = reason === '' || state === 'locked';
  const since =
    lostSince === undefined
      ? ''
      : ` What you see ends at ${timeText(lostSince, 1_000)} ${zoneText(lostSince)}.`;
  write(
    'trouble',
    state === 'lost' ? `The server does not answer.${since} Trying again until it does.` : reason,
  );
}
