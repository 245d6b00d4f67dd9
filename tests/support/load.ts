/**
 * A pipelining client: N connections, each with D requests in flight, and an exact count of the
 * answers. The count stays right even if the server dies.
 */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Server } from './server.ts';

interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** Requests in flight per connection. */
  readonly depth: number;
  /** The total number; by default it sends until the server exits or `stop`. */
  readonly requests?: number;
  /** The time stamp in the messages, epoch ms; by default in 2016. */
  readonly generatedMs?: number;
  /** Accepts answers 503 with Retry-After, which are failures otherwise. */
  readonly mayRefuse?: boolean;
  /** Receives the number of answers 200 that arrived together. */
  readonly onAnswers?: (answers: number) => void;
}

const defaultMs = Date.UTC(2016, 4, 28, 11, 11, 11, 12);

function requestOf(generatedMs: number): Buffer {
  const time = new Date(generatedMs).toISOString().slice(0, -1).replace('T', ' ');
  const body = `value=${time}345`;
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: reto3\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}
const headEnd = Buffer.from('\r\n\r\n');
const statusLine = 'HTTP/1.1 200 ';
const refusal = /^HTTP\/1\.1 503 .*\r\nretry-after: \d+(?:\r\n|$)/is;

export class Load {
  readonly #connections: readonly Connection[];
  /** Resolves when all connections are closed, by either side. */
  readonly done: Promise<void>;

  private constructor(options: LoadOptions) {
    const { connections, requests = Number.POSITIVE_INFINITY } = options;
    this.#connections = Array.from({ length: connections }, (_, index) => {
      const share = Math.floor(requests / connections) + (index < requests % connections ? 1 : 0);
      return new Connection(options, share);
    });
    this.done = Promise.all(this.#connections.map(({ closed }) => closed)).then(() => undefined);
  }

  /** Starts; ends with the running test at the latest. */
  static start(options: LoadOptions): Load {
    const load = new Load(options);
    onTestFinished(() => load.#end());
    return load;
  }

  /** Answers with status 200 and no body, so far. */
  get answered(): number {
    return this.#connections.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Requests sent, answered or not. */
  get sent(): number {
    return this.#connections.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Answers with status 503 and Retry-After, so far. */
  get refused(): number {
    return this.#connections.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** Connections that the server closed before the load ended. */
  get broken(): number {
    return this.#connections.filter(({ broken }) => broken).length;
  }

  /** Stops sending, waits for outstanding answers, and closes. */
  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.finish();
    await this.done;
  }

  #end(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}

/** Sends requests; returns how many of them the server answered with 200. */
export async function send(server: Pick<Server, 'port'>, requests: number): Promise<number> {
  const load = Load.start({ port: server.port, connections: 4, depth: 4, requests });
  await load.done;
  return load.answered;
}

class Connection {
  answered = 0;
  refused = 0;
  sent = 0;
  broken = false;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #batch: Buffer;
  readonly #requestBytes: number;
  readonly #options: LoadOptions;
  #toSend: number;
  #onTheirWay = 0;
  /** The beginning of an incomplete answer. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: LoadOptions, requests: number) {
    const { port, depth } = options;
    this.#options = options;
    this.#toSend = requests;
    const request = requestOf(options.generatedMs ?? defaultMs);
    this.#requestBytes = request.length;
    this.#batch = Buffer.alloc(request.length * depth, request);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.once('connect', () => this.#send(depth));
    this.closed = new Promise((resolve, reject) => {
      this.#socket.on('data', (piece) => {
        try {
          this.#take(piece);
        } catch (error) {
          this.#socket.destroy();
          reject(error);
        }
      });
      // A killed server resets its connections; treat that like a close.
      this.#socket.on('error', () => undefined);
      this.#socket.once('close', () => {
        this.broken ||= this.#toSend > 0 || this.#onTheirWay > 0;
        resolve();
      });
    });
  }

  finish(): void {
    this.#toSend = 0;
    if (this.#onTheirWay === 0) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #send(most: number): void {
    const requests = Math.min(most, this.#toSend);
    this.#toSend -= requests;
    this.#onTheirWay += requests;
    this.sent += requests;
    if (requests > 0) this.#socket.write(this.#batch.subarray(0, requests * this.#requestBytes));
    else if (this.#onTheirWay === 0) this.#socket.end();
  }

  #take(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let answers = 0;
    let refusals = 0;
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(headEnd, from);
      if (end === -1) break;
      // This also catches an answer with a body: its next head begins wrongly.
      if (bytes.toString('latin1', from, from + statusLine.length) === statusLine) answers++;
      else if (this.#mayBe(bytes.toString('latin1', from, end))) refusals++;
      from = end + headEnd.length;
    }
    this.#rest = bytes.subarray(from);
    this.answered += answers;
    this.refused += refusals;
    this.#onTheirWay -= answers + refusals;
    if (answers > 0) this.#options.onAnswers?.(answers);
    if (answers + refusals > 0) this.#send(answers + refusals);
  }

  /**
   * Whether the answer is a refusal that this load accepts.
   * @throws Error if it is anything else
   */
  #mayBe(head: string): boolean {
    if (this.#options.mayRefuse === true && refusal.test(head)) return true;
    throw new Error(`got the answer ${head}, want 200 without a body`);
  }
}
