/**
 * Writes log lines in order, and never throws or blocks, whatever happens to the disk, pipe or terminal.
 * Lines that cannot be written wait in bounded memory and are retried; if that is full, lines are
 * dropped and counted.
 *
 * Pipes, sockets and terminals are written at once, without blocking, since the lines before a crash
 * matter most. A file is written asynchronously, since its disk may hang.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** About 5,000 lines, for readers that pause. */
export const maxWaitingBytes = 1 << 20;
/** A pipe holds 64 KiB, so a slow reader gets up to 640 KB/s. */
const retryMs = 100;
/** How long an exit waits for a reader that has paused, and how often it retries. */
const lastFlushMs = 200;
const lookEveryMs = 5;

export interface LogTarget {
  /** Writes some or all bytes; may call back before it returns. */
  write(bytes: Buffer, done: (error: Error | null, written: number) => void): void;
  /** Returns the bytes written. @throws Error, EAGAIN instead of blocking */
  writeSync(bytes: Buffer): number;
}

export class LogOutput {
  readonly #target: LogTarget;
  /** Called with the number of dropped lines, once all waiting lines are written. */
  readonly #recovered: (dropped: number) => void;
  /** Bytes that are being written; `#busy` while the target has them. */
  #underWay: Buffer = Buffer.alloc(0);
  #busy = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #dropped = 0;
  #droppedTold = 0;

  constructor(target: LogTarget, recovered: (dropped: number) => void) {
    this.#target = target;
    this.#recovered = recovered;
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#underWay.length + this.#waitingBytes + bytes.length > maxWaitingBytes) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#advance();
  }

  /** For an exit: writes the waiting lines, or gives up after 200 ms. */
  flush(): void {
    const deadline = performance.now() + lastFlushMs;
    // Omits the bytes that a thread is writing now, which would otherwise be written twice.
    let bytes = Buffer.concat(this.#busy ? this.#waiting : [this.#underWay, ...this.#waiting]);
    if (!this.#busy) this.#underWay = bytes.subarray(0, 0);
    this.#waiting = [];
    this.#waitingBytes = 0;
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(this.#target.writeSync(bytes));
      } catch (error) {
        if (!isAgain(error) || performance.now() > deadline) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookEveryMs);
      }
    }
  }

  #advance(): void {
    if (this.#busy || this.#retry !== undefined) return;
    if (this.#underWay.length === 0) {
      if (this.#waitingBytes === 0) {
        this.#tellDropped();
        return;
      }
      this.#underWay = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    this.#busy = true;
    this.#target.write(this.#underWay, (error, written) => {
      this.#busy = false;
      if (error === null) {
        this.#underWay = this.#underWay.subarray(written);
        this.#advance();
      } else this.#tryLater();
    });
  }

  #tryLater(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#advance();
    }, retryMs).unref();
  }

  #tellDropped(): void {
    const dropped = this.#dropped - this.#droppedTold;
    if (dropped === 0) return;
    this.#droppedTold = this.#dropped;
    this.#recovered(dropped);
  }
}

const stderr = 2;

/** Standard error: a terminal, a pipe, a socket or a file. */
export function standardError(): LogTarget {
  if (isatty(stderr)) return terminal();
  // As bigint: after fstatSync of a pipe with numbers, realpathSync of Node.js 20 no longer follows
  // links, and report modules are not found.
  const found = fstatSync(stderr, { bigint: true });
  if (!found.isFIFO() && !found.isSocket()) return asynchronous(stderr);
  // Creating Node's own stream makes the descriptor non-blocking.
  void process.stderr;
  return immediate(stderr);
}

/** Non-blocking, since Ctrl-S can pause a terminal for any time. */
function terminal(): LogTarget {
  try {
    // Opened again, because the mode belongs to the open file, which is shared with the shell.
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return immediate(openSync(`/proc/self/fd/${stderr}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    // Fails for a terminal of another user, as after `su`, and on systems without /proc.
    return asynchronous(stderr);
  }
}

/** @param fd a non-blocking descriptor */
export function immediate(fd: number): LogTarget {
  const target: LogTarget = {
    write: (bytes, done) => {
      let written: number;
      try {
        written = target.writeSync(bytes);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)), 0);
        return;
      }
      done(null, written);
    },
    writeSync: (bytes) => writeSync(fd, bytes),
  };
  return target;
}

function asynchronous(fd: number): LogTarget {
  return {
    write: (bytes, done) => write(fd, bytes, (error, written) => done(error, written)),
    writeSync: (bytes) => writeSync(fd, bytes),
  };
}

function isAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
