/** Sends bytes as they are, in the packets that the caller wants, and takes down what came of them. */
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

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

/** A connection that keeps what came, at most as long as a test needs it. */
export class Client {
  closed = false;
  readonly #socket: Socket;
  #received = '';
  #lastChange = performance.now();
  readonly #onClosed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text) => {
      this.#received += String(text);
      this.#lastChange = performance.now();
    });
    // A reset is an end like any other.
    socket.on('error', () => undefined);
    this.#onClosed = new Promise((resolve) => {
      socket.once('close', () => {
        this.closed = true;
        resolve();
      });
    });
  }

  /** Resolves when it is connected, or cannot be. */
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

  /** Closes this side only, and goes on reading. */
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
    const statuses = [...this.#received.matchAll(statusLine)].map(([, status]) => status);
    const answered = statuses.filter((status) => status === '200').length;
    return { answered, refusals: statuses.length - answered, closed: this.closed };
  }

  /**
   * Waits until nothing has come for so long, or the server has closed; a shorter time where so many
   * answers have come.
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

  /** Answers with status 200 so far. */
  get answered(): number {
    return this.seen.answered;
  }

  /** Waits for the next bytes, the end, or that nothing comes for so long. */
  async answerOrQuiet(mostMs: number): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      const timer = globalThis.setTimeout(done, mostMs);
      const socket = this.#socket;
      socket.once('data', done);
      socket.once('close', done);
      function done(): void {
        clearTimeout(timer);
        socket.off('data', done);
        socket.off('close', done);
        resolve();
      }
    });
  }

  /** How long until the server closes, in ms; undefined where it does not within the limit. */
  async closedWithin(limitMs: number): Promise<number | undefined> {
    const begun = performance.now();
    const abort = new AbortController();
    const late = setTimeout(limitMs, undefined, { signal: abort.signal }).catch(() => undefined);
    await Promise.race([this.#onClosed, late]);
    abort.abort();
    return this.closed ? performance.now() - begun : undefined;
  }

  /** The quiet begins anew with what is sent next. */
  touch(): void {
    this.#lastChange = performance.now();
  }
}

/** Runs `work` on every item, so many at a time. */
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
