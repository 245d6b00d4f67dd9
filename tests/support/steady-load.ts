/** An open-loop client with a fixed rate, and an exact count of its answers. */
import { Agent, request } from 'node:http';
import { setInterval } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const sendEveryMs = 20;
/** How long to wait for an answer. */
const answerWithinMs = 10_000;

interface SteadyLoadOptions {
  readonly host: string;
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
}

export class SteadyLoad {
  sent = 0;
  /** Answers with status 200. */
  answered = 0;
  readonly #options: SteadyLoadOptions;
  /** Connections are used in turn, so that none is idle long enough for the server to close it. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32, scheduling: 'fifo' });
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #running: Promise<void>;

  private constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Starts; ends with the running test at the latest. */
  static start(options: SteadyLoadOptions): SteadyLoad {
    const load = new SteadyLoad(options);
    onTestFinished(() => load.stop());
    return load;
  }

  /** Stops sending, and waits for outstanding answers. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#inFlight);
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    try {
      const ticks = setInterval(sendEveryMs, undefined, { signal: this.#stopping.signal });
      for await (const _ of ticks) {
        const due = ((performance.now() - begun) / 1_000) * this.#options.rate;
        while (this.sent < due) this.#send();
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  #send(): void {
    this.sent++;
    const { host, port } = this.#options;
    const answer = new Promise<void>((resolve) => {
      const message = request({ host, port, method: 'POST', agent: this.#agent }, (response) => {
        if (response.statusCode === 200) this.answered++;
        response.resume().once('close', resolve);
      });
      message.setTimeout(answerWithinMs, () => message.destroy());
      message.once('error', () => resolve());
      message.end();
    });
    this.#inFlight.add(answer);
    void answer.then(() => this.#inFlight.delete(answer));
  }
}

/** Stops several loads, and returns their totals. */
export async function stopAll(
  loads: readonly SteadyLoad[],
): Promise<{ readonly sent: number; readonly answered: number }> {
  for (const load of loads) await load.stop();
  const sum = (field: 'sent' | 'answered'): number =>
    loads.reduce((total, load) => total + load[field], 0);
  return { sent: sum('sent'), answered: sum('answered') };
}
