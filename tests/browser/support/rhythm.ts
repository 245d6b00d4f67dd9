/**
 * A load with a visible shape: steady random traffic (Poisson), a beat at the same place in every
 * second, and occasional stalls, after which all waiting requests arrive at once.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface Rhythm {
  /** The mean of the steady traffic, requests per second. */
  readonly rate: number;
  /** Requests of the beat, once a second; 0 by default. */
  readonly beat?: number;
  /** The length of a stall, ms; 0 by default. */
  readonly stallMs?: number;
  /**
   * The time between stalls, ms; by default there is none. Requests delayed by a stall arrive within
   * 60 ms after it.
   */
  readonly stallEveryMs?: number;
  /** How many paths to request in turn; by default only `/`. */
  readonly paths?: number;
}

const tickMs = 5;
const stormMs = 60;
const beatAtMs = 320;
const connections = 8;
const requestOf = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: reto3\r\nContent-Length: 32\r\n\r\nvalue=2016-05-28 11:11:11.012345`;
const statusLine = 'HTTP/1.1 200 ';

export class RhythmLoad {
  /** Answers with status 200. */
  answered = 0;
  sent = 0;
  readonly #sockets: readonly Socket[];
  readonly #rhythm: Rhythm;
  #running = true;
  readonly #done: Promise<void>;

  private constructor(port: number, rhythm: Rhythm) {
    this.#rhythm = rhythm;
    this.#sockets = Array.from({ length: connections }, () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let rest = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        // Answers have no body: each is just a head, and a packet may end anywhere in it.
        const heads = (rest + text).split('\r\n\r\n');
        rest = heads.pop() ?? '';
        this.answered += heads.filter((head) => head.startsWith(statusLine)).length;
      });
      // A restarting server resets its connections.
      return socket.on('error', () => undefined);
    });
    this.#done = this.#run();
  }

  /** Starts; ends with the running test at the latest. */
  static start(port: number, rhythm: Rhythm): RhythmLoad {
    const load = new RhythmLoad(port, rhythm);
    onTestFinished(() => load.stop());
    return load;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
    for (const socket of this.#sockets) socket.end();
  }

  async #run(): Promise<void> {
    const { rate, beat = 0, stallMs = 0, paths = 1 } = this.#rhythm;
    const { stallEveryMs = Number.POSITIVE_INFINITY } = this.#rhythm;
    const requestsOf = Array.from({ length: paths }, (_, index) =>
      requestOf(index === 0 ? '/' : `/page/${index}`),
    );
    const started = Date.now();
    let last = started;
    let owed = 0;
    let storm = 0;
    let beatSent = Math.floor(last / 1_000);
    for (let turn = 0; this.#running; turn++) {
      await setTimeout(tickMs);
      const now = Date.now();
      const due = poisson((rate * (now - last)) / 1_000);
      const phase = (now - started) % stallEveryMs;
      const stalled = now - started > stallEveryMs && phase < stallMs;
      let requests = stalled ? 0 : due;
      if (stalled) {
        owed += due;
        storm = now + stormMs;
      } else if (owed > 0) {
        const part = Math.min(owed, Math.ceil((owed * (now - last)) / Math.max(storm - last, 1)));
        owed -= part;
        requests += part;
      }
      const second = Math.floor((now - beatAtMs) / 1_000);
      if (second > beatSent && !stalled) {
        beatSent = second;
        requests += beat;
      }
      last = now;
      const first = this.sent;
      this.sent += requests;
      const text = Array.from(
        { length: requests },
        (_, index) => requestsOf[(first + index) % paths],
      );
      if (requests > 0) this.#sockets[turn % connections]?.write(text.join(''));
    }
  }
}

/** A random whole number with this mean: Knuth's method, in steps that do not underflow. */
function poisson(mean: number): number {
  if (mean > 500) return poisson(500) + poisson(mean - 500);
  const limit = Math.exp(-mean);
  let product = Math.random();
  let count = 0;
  for (; product > limit; product *= Math.random()) count++;
  return count;
}
