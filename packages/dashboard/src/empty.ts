/** The message in an empty chart: why it is empty and, on a new server, how to send a request. */
import type { Info } from '@reto3/client/answers';
import { element, write } from './elements.ts';

/** Wildcard addresses, which clients replace by the host of the page. */
const anyHost = /^(0\.0\.0\.0|\[::\])$/;

/** The address at which clients that can reach this page reach the ingest port. */
export function ingestAddress(ingestUrl: string, pageHost: string): string {
  const { protocol, hostname, port } = new URL(ingestUrl);
  const host = anyHost.test(hostname) ? pageHost : hostname;
  // `URL` omits a default port.
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}/`;
}

export interface Emptiness {
  /** Whether the chart is empty. */
  readonly isEmpty: boolean;
  /** The number of counted windows in the range. */
  readonly windows: number;
  /** The number of messages ever counted; undefined if unknown. */
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
    write('empty-text', `No messages yet. This server counts every request to ${address}`);
    write('empty-command', `curl ${address}`);
  } else {
    write(
      'empty-text',
      windows === 0 ? 'Nothing was counted in this range.' : 'No messages in this range.',
    );
  }
}

/** Copies the command, or selects it if the page may not write to the clipboard. */
export function connectCopy(): void {
  const button = element('empty-copy', HTMLButtonElement);
  const command = element('empty-command', HTMLElement);
  button.addEventListener('click', async () => {
    try {
      // Undefined unless the page was loaded by HTTPS or from this machine.
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
