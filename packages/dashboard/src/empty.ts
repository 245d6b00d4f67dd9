/** What stands in an empty chart: why it is, and where nothing came yet, how to send something. */
import type { Info } from '@reto3/client/answers';
import { element, write } from './elements.ts';

/** Addresses that mean every interface of the server: whoever asks uses the one they came by. */
const anyHost = /^(0\.0\.0\.0|\[::\])$/;

/** Where a client on this side of the network reaches the ingest port. */
export function ingestAddress(ingestUrl: string, pageHost: string): string {
  const { protocol, hostname, port } = new URL(ingestUrl);
  const host = anyHost.test(hostname) ? pageHost : hostname;
  // A default port is not repeated by URL.
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}/`;
}

export interface Emptiness {
  /** Whether nothing is to be seen. */
  readonly isEmpty: boolean;
  /** Counted windows in the range. */
  readonly windows: number;
  /** Everything that was ever counted; undefined where nobody says. */
  readonly messagesInAll: number | undefined;
}

export function showEmpty({ isEmpty, windows, messagesInAll }: Emptiness, info?: Info): void {
  const box = element('empty', HTMLElement);
  box.hidden = !isEmpty;
  if (!isEmpty) return;
  const isFirst = messagesInAll === 0 && info?.ingestUrl !== undefined;
  element('empty-try', HTMLElement).hidden = !isFirst;
  if (info?.ingestUrl !== undefined && isFirst) {
    const address = ingestAddress(info.ingestUrl, location.hostname);
    write('empty-text', `No message yet. This server counts every request to ${address}`);
    write('empty-command', `curl ${address}`);
  } else {
    write(
      'empty-text',
      windows === 0 ? 'No server was counting in this range.' : 'Nothing came in this range.',
    );
  }
}

/** The command goes to the clipboard, or is selected where a page may not write there. */
export function connectCopy(): void {
  const button = element('empty-copy', HTMLButtonElement);
  const command = element('empty-command', HTMLElement);
  button.addEventListener('click', async () => {
    try {
      // Absent where the page did not come by HTTPS or from this machine.
      await navigator.clipboard.writeText(command.textContent ?? '');
      button.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(command);
      button.textContent = 'Selected';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2_000);
  });
}
