/**
 * How far long work is, on one line of stderr that is gone when the work is done. Only on a
 * terminal: logs and scripts get nothing of it.
 */

const redrawMs = 200;
/** Work that is done sooner shows nothing. */
const quietMs = 500;
const barChars = 20;
const toLineStart = '\r\u001b[K';

export interface Amount {
  readonly bytes: number;
  /** Undefined where nobody knows it before the end. */
  readonly ofBytes?: number | undefined;
}

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/**
 * Runs the work, and shows how far it is as it calls `update`, or how long it takes.
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
    output.write(`${toLineStart}reto3: ${doing}, ${progressText(amount, elapsedMs)}`);
  }, redrawMs);
  try {
    return await work((newest) => {
      amount = newest;
    });
  } finally {
    clearInterval(timer);
    if (shown) output.write(toLineStart);
  }
}

/** Such as `[██████████          ] 50 %, 12.3 of 24.6 MB, 4 s`. */
export function progressText(amount: Amount | undefined, elapsedMs: number): string {
  const seconds = `${Math.floor(elapsedMs / 1_000)} s`;
  if (amount === undefined) return seconds;
  const { bytes, ofBytes } = amount;
  if (ofBytes === undefined || ofBytes === 0) return `${megabytes(bytes)} MB, ${seconds}`;
  const share = Math.min(1, bytes / ofBytes);
  const bar = '█'.repeat(Math.floor(share * barChars)).padEnd(barChars);
  const done = `${megabytes(bytes)} of ${megabytes(ofBytes)} MB`;
  return `[${bar}] ${Math.floor(share * 100)} %, ${done}, ${seconds}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
