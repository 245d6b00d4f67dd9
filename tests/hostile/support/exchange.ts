/** Sends raw bytes in given packets, and records the answers. */
import { connect, type Socket } from 'node:net';

/** What a client saw. */
export interface Seen {
  /** Answers with status 200. */
  readonly answered: number;
  /** Final answers with another status. */
  readonly refusals: number;
  /** The server closed the connection. */
  readonly closed: boolean;
}

const statusLine = /HTTP\/1\.[01] ([2-5]\d\d)/g;
/** The longest start of a status line whose rest may not have arrived. */
const longestBeginning = 'HTTP/1.1 20'.length;

/** A connection that counts its answers; it ends with the running test at the latest. */
export class Client {
  closed = false;
  /** Whether a reset closed it, which discards unread answers. */
  wasReset = false;
  /** Answers with status 200 so far. */
  answered = 0;
  readonly #socket: Socket;
  #refusals = 0;
  #rest = '';
  #lastChange = performance.now();
  /** Waits for the next bytes or the end. */
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text) => {
      this.#count(String(text));
      this.#lastChange = performance.now();
      this.#wake?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.wasReset ||= error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    socket.once('close', () => {
      this.closed = true;
      this.#wake?.();
    });
  }

  #count(text: string): void {
    const received = this.#rest + text;
    let end = 0;
    for (const match of received.matchAll(statusLine)) {
      if (match[1] === '200') this.answered++;
      else this.#refusals++;
      end = match.index + match[0].length;
    }
    this.#rest = received.slice(Math.max(end, received.length - longestBeginning));
  }

  /** Resolves when it is connected or has failed. */
  static connect(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new Client(socket);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(client));
      socket.once('close', () => resolve(client));
    });
  }

  write(bytes: string): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  /** Half-closes the connection and continues reading. */
  halfClose(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resets the connection. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  get seen(): Seen {
    return { answered: this.answered, refusals: this.#refusals, closed: this.closed };
  }

  /**
   * Waits until nothing has arrived for `quietMs`, or the server has closed. After
   * `enough.answers`, `enough.tailMs` suffice.
   */
  async quiet(
    quietMs: number,
    enough: { readonly answers: number; readonly tailMs: number } = {
      answers: Number.POSITIVE_INFINITY,
      tailMs: 0,
    },
  ): Promise<Seen> {
    for (;;) {
      const limitMs = this.answered >= enough.answers ? enough.tailMs : quietMs;
      const restMs = this.#lastChange + limitMs - performance.now();
      if (this.closed || restMs <= 0) return this.seen;
      await this.answerOrQuiet(Math.ceil(restMs));
    }
  }

  /** Waits for the next bytes or the end, but no longer than this. */
  answerOrQuiet(maxMs: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, maxMs);
      this.#wake = done;
    });
  }

  /** The time until the server closes, in ms; undefined if it exceeds the limit. */
  async closedWithin(limitMs: number): Promise<number | undefined> {
    const begun = performance.now();
    for (;;) {
      const passedMs = performance.now() - begun;
      if (this.closed) return passedMs;
      if (passedMs >= limitMs) return undefined;
      await this.answerOrQuiet(limitMs - passedMs);
    }
  }

  /** Restarts the quiet period, for bytes that are about to be sent. */
  touch(): void {
    this.#lastChange = performance.now();
  }
}

/** Runs `work` on every item, with limited concurrency. */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item !== undefined) await work(item);
    }
  };
  await Promise.all(Array.from({ length: most }, runner));
}
