/**
 * Where log lines go: writes them in order, and never throws into the caller or makes it wait,
 * whatever became of the disk, the pipe or the terminal behind it. What cannot be written is kept,
 * in bounded memory, and tried again; what finds no room is dropped and counted.
 *
 * Pipes, sockets and terminals are written without blocking, at once: the lines before a crash
 * are the ones that matter. A file is written asynchronously, since its disk may hang.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Some 5,000 lines: what a reader that pauses for a while does not lose. */
export const mostWaitingBytes = 1 << 20;
/** A pipe holds 64 KiB, so a slow reader gets up to 640 KB/s. */
const retryMs = 100;
/** How long an exit waits for a reader that does not read, and how often it looks. */
const lastFlushMs = 200;
const lookEveryMs = 5;

/** What the lines are written to. */
export interface LogTarget {
  /** Writes some or all of it; may call back before it returns. */
  write(bytes: Buffer, done: (error: Error | null, written: number) => void): void;
  /** Returns how many bytes were written. @throws Error, EAGAIN where it would have to wait */
  writeSync(bytes: Buffer): number;
}

export class LogOutput {
  readonly #target: LogTarget;
  /** Told, once all that waited is written, how many lines were dropped meanwhile. */
  readonly #recovered: (dropped: number) => void;
  /** Given to the target, and not written yet; `#busy` while the target has it. */
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
    if (this.#underWay.length + this.#waitingBytes + bytes.length > mostWaitingBytes) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#advance();
  }

  /** For an exit: writes what waits, and gives up soon where that is impossible. */
  flush(): void {
    const deadline = performance.now() + lastFlushMs;
    // What a thread is writing at this moment must not be written twice.
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

/** Standard error, whatever it is. */
export function standardError(): LogTarget {
  if (isatty(stderr)) return terminal();
  // As bigint: after an fstatSync of a pipe that gives numbers, realpathSync of Node.js 20 no longer
  // follows links, and modules of reports are not found.
  const found = fstatSync(stderr, { bigint: true });
  if (!found.isFIFO() && !found.isSocket()) return asynchronous(stderr);
  // Node.js' own stream for it makes the descriptor one that never blocks.
  void process.stderr;
  return immediate(stderr);
}

/** Ctrl-S stops a terminal for as long as somebody likes. */
function terminal(): LogTarget {
  try {
    // Opened again, for the mode belongs to what is opened, and the shell shares ours.
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return immediate(openSync(`/proc/self/fd/${stderr}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    // Another user's, after `su`, or a system without /proc.
    return asynchronous(stderr);
  }
}

/** @param fd that never blocks, written at once */
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
