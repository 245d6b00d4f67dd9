/**
 * An open-loop load at a fixed mean rate, for measuring latency.
 *
 * Requests are due at random moments, whatever the server does: a Poisson process, like independent
 * clients. Latency counts from the moment a request is due, not from when it is sent. So a stall of
 * the server counts for every request that had to wait, which avoids coordinated omission. The
 * generator's own lag is measured too, since every latency includes it.
 *
 * It uses raw sockets and answers of a fixed length, since a full HTTP client would measure itself.
 * It busy-waits, so give it a core of its own.
 */
import { connect, type Socket } from 'node:net';
import type { PeerRequest } from '../peers/peer.ts';

export interface OpenLoopOptions {
  /** Connections are spread over these ports. */
  readonly ports: readonly [number, ...number[]];
  readonly request: PeerRequest;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Requests of this time are left out of the latencies. */
  readonly warmUpSeconds: number;
  readonly connections: number;
  /** Requests per packet, due together. */
  readonly depth: number;
}

export interface OpenLoopResult {
  readonly answered: number;
  /** From due to answered, ms. */
  readonly latenciesMs: Float64Array;
  /** From due to sent, ms: the lag of the generator and of busy connections. */
  readonly lagsMs: Float64Array;
}

interface Connection {
  readonly socket: Socket;
  /** When its outstanding requests are due; NaN if it is idle. */
  dueMs: number;
  /** Bytes of outstanding answers that have not arrived. */
  missingBytes: number;
}

/** How long to wait for the last answers. */
const drainMs = 5_000;
const receiveBytes = 65_536;

export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #packet: Buffer;
  readonly #idle: Connection[] = [];
  readonly #waitingMs: number[] = [];
  readonly #latencies: number[] = [];
  readonly #lags: number[] = [];
  #connections: readonly Connection[] = [];
  #answerBytes = 0;
  #countFromMs = 0;
  #sent = 0;
  #answered = 0;
  #failure: Error | undefined;

  private constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#packet = Buffer.from(requestText(options.request).repeat(options.depth), 'latin1');
  }

  /** Connects, and measures the length of one answer. */
  static async open(options: OpenLoopOptions): Promise<OpenLoop> {
    const loop = new OpenLoop(options);
    loop.#answerBytes = await answerBytesOf(options);
    loop.#connections = await Promise.all(
      Array.from({ length: options.connections }, (_, index) =>
        loop.#connect(options.ports[index % options.ports.length] ?? options.ports[0]),
      ),
    );
    loop.#idle.push(...loop.#connections);
    return loop;
  }

  /** Requests answered so far, including the warm-up. */
  get answered(): number {
    return this.#answered;
  }

  /** @throws Error if a connection failed or answers are missing */
  async run(): Promise<OpenLoopResult> {
    const { requestsPerSecond, seconds, warmUpSeconds, depth } = this.#options;
    const meanGapMs = (1_000 * depth) / requestsPerSecond;
    let dueMs = performance.now();
    this.#countFromMs = dueMs + warmUpSeconds * 1_000;
    const endMs = this.#countFromMs + seconds * 1_000;
    await new Promise<void>((resolve) => {
      const turn = (): void => {
        const nowMs = performance.now();
        for (; dueMs <= nowMs && dueMs < endMs; dueMs -= Math.log(1 - Math.random()) * meanGapMs)
          this.#waitingMs.push(dueMs);
        this.#send();
        const done =
          (dueMs >= endMs && this.#sent === this.#answered && this.#waitingMs.length === 0) ||
          nowMs > endMs + drainMs ||
          this.#failure !== undefined;
        if (done) resolve();
        else setImmediate(turn);
      };
      turn();
    });
    for (const { socket } of this.#connections) socket.destroy();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#answered < this.#sent)
      throw new Error(`got ${this.#answered} answers to ${this.#sent} requests`);
    return {
      answered: this.#answered,
      latenciesMs: Float64Array.from(this.#latencies),
      lagsMs: Float64Array.from(this.#lags),
    };
  }

  #send(): void {
    let at = 0;
    for (; at < this.#waitingMs.length; at++) {
      const connection = this.#idle.shift();
      if (connection === undefined) break;
      const dueMs = this.#waitingMs[at] ?? Number.NaN;
      connection.dueMs = dueMs;
      connection.missingBytes = this.#answerBytes * this.#options.depth;
      connection.socket.write(this.#packet);
      this.#sent += this.#options.depth;
      if (dueMs >= this.#countFromMs) this.#lags.push(performance.now() - dueMs);
    }
    if (at > 0) this.#waitingMs.splice(0, at);
  }

  #received(connection: Connection, bytes: number): void {
    connection.missingBytes -= bytes;
    if (connection.missingBytes > 0) return;
    this.#answered += this.#options.depth;
    if (connection.dueMs >= this.#countFromMs)
      this.#latencies.push(performance.now() - connection.dueMs);
    this.#idle.push(connection);
  }

  #connect(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket: Socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: {
          buffer: Buffer.alloc(receiveBytes),
          callback: (bytes) => {
            this.#received(connection, bytes);
            return true;
          },
        },
      });
      const connection: Connection = { socket, dueMs: Number.NaN, missingBytes: 0 };
      socket.once('connect', () => resolve(connection));
      socket.on('error', (error) => {
        this.#failure ??= error;
        reject(error);
      });
      socket.on('end', () => {
        this.#failure ??= new Error('the server closed a connection');
      });
    });
  }
}

function requestText({ method, path, body }: PeerRequest): string {
  const type = 'content-type: application/x-www-form-urlencoded';
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${type}\r\n${length}\r\n\r\n${body}`;
}

/** The length of one answer. @throws Error if it is not 200 */
function answerBytesOf({ ports, request }: OpenLoopOptions): Promise<number> {
  const [port] = ports;
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += String(text);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (answer.startsWith('HTTP/1.1 200')) resolve(answer.length);
      else reject(new Error(`got ${JSON.stringify(answer.slice(0, 40))}, want an answer 200`));
    });
    socket.write(requestText(request));
  });
}

/** An answer is complete after this long without data. */
const quietMs = 200;
