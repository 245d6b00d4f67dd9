/**
 * The progress of long work, on one line of stderr that disappears when the work is done. Shown on
 * terminals only, so it never reaches logs and scripts.
 */
import { terminalText } from '@reto3/core';
import { drawOn } from './standard-streams.ts';

const redrawMs = 200;
/** Shorter work shows no progress. */
const quietMs = 500;
const barChars = 20;
const toLineStart = '\r\u001b[K';

export type Amount =
  | {
      readonly bytes: number;
      /** Undefined if unknown. */
      readonly ofBytes?: number | undefined;
    }
  | { readonly messages: number; readonly ofMessages: number };

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/**
 * Runs the work, and shows the amount of the last `update`, or only the elapsed time.
 * @param doing such as "reading counts.reto3"
 */
export async function withProgress<T>(
  doing: string,
  work: (update: (amount: Amount) => void) => Promise<T>,
  output: Output = process.stderr,
): Promise<T> {
  if (!output.isTTY) return work(() => undefined);
  const began = performance.now();
  let amount: Amount | undefined;
  let shown = false;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - began;
    if (elapsedMs < quietMs) return;
    shown = true;
    drawOn(
      output,
      `${toLineStart}reto3: ${terminalText(doing)}, ${progressText(amount, elapsedMs)}`,
    );
  }, redrawMs);
  try {
    return await work((newest) => {
      amount = newest;
    });
  } finally {
    clearInterval(timer);
    if (shown) drawOn(output, toLineStart);
  }
}

/** Such as `[██████████          ] 50 %, 12.3 of 24.6 MB, 4 s`. */
export function progressText(amount: Amount | undefined, elapsedMs: number): string {
  const seconds = `${Math.floor(elapsedMs / 1_000)} s`;
  if (amount === undefined) return seconds;
  if ('messages' in amount) return messagesText(amount, elapsedMs);
  const { bytes, ofBytes } = amount;
  if (ofBytes === undefined || ofBytes === 0) return `${megabytes(bytes)} MB, ${seconds}`;
  const done = `${megabytes(bytes)} of ${megabytes(ofBytes)} MB`;
  return `${barText(bytes / ofBytes)}, ${done}, ${seconds}`;
}

/** Such as `[██████████          ] 50 %, 12.3 of 24.6 M messages, 4.1 M/s, 3 s left`. */
function messagesText(
  { messages, ofMessages }: { readonly messages: number; readonly ofMessages: number },
  elapsedMs: number,
): string {
  const perMs = messages / Math.max(1, elapsedMs);
  const leftMs = perMs === 0 ? undefined : Math.max(0, ofMessages - messages) / perMs;
  const left = leftMs === undefined ? '' : `, ${Math.ceil(leftMs / 1_000)} s left`;
  const done = `${megabytes(messages)} of ${megabytes(ofMessages)} M messages`;
  const share = ofMessages === 0 ? 0 : messages / ofMessages;
  return `${barText(share)}, ${done}, ${megabytes(perMs * 1_000)} M/s${left}`;
}

function barText(of: number): string {
  const share = Math.min(1, of);
  const bar = '█'.repeat(Math.floor(share * barChars)).padEnd(barChars);
  return `[${bar}] ${Math.floor(share * 100)} %`;
}

/** Clears the progress line before output to the same terminal. */
export function beforeLines(into: object): void {
  if (process.stderr.isTTY && 'isTTY' in into && into.isTTY === true)
    drawOn(process.stderr, toLineStart);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
