/** Runs `reto3 top`: follows the windows, polls the state of the server, and draws both. */
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { type ApiOptions, ask, Connection, follow } from '@reto3/client';
import { countedRows, ms10, Reto3Error, type Scope } from '@reto3/core';
import { damageNotes } from '../answers.ts';
import { reasonOf } from '../contact.ts';
import { exitCode } from '../exit-code.ts';
import { Notes, noteOnStderr, type Say } from '../terminal/notes.ts';
import { canvasOf, onScreen } from '../terminal/screen.ts';
import { drawTop } from './draw.ts';
import { figuresOf } from './figures.ts';
import { RecentWindows, reachMs, staleMs } from './recent-windows.ts';
import { type ServerState, WorkerRates } from './server-state.ts';

const askEveryMs = 1_000;
const redrawMs = 100;
/** The time for a single drawing: enough for the two answers that the workers' rates need. */
const onceMs = 2 * askEveryMs + 200;

/**
 * Draws until the user quits. Without a terminal, or as JSON, draws once and exits.
 * @param scope of the counts: the server's, or those of the cluster that it merges
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE if the first request fails, RETO3_NO_CLUSTER
 */
export async function top(api: ApiOptions, scope: Scope, asJson: boolean): Promise<void> {
  const recent = new RecentWindows();
  const watch = new ServerWatch(api, scope);
  await watch.ask();
  const live = (say: Say): Promise<unknown> =>
    Promise.all([followInto(recent, api, scope, say), watch.go()]);
  if (asJson || !process.stdout.isTTY) {
    await Promise.race([live(noteOnStderr), setTimeout(onceMs)]);
    const text = asJson
      ? JSON.stringify(figuresOf(watch.state, recent))
      : drawTop(watch.state, recent, canvasOf(process.stdout)).join('\n');
    process.stdout.write(`${text}\n`, (error) => {
      if (!error) process.exit(exitCode.done);
    });
    return;
  }
  const notes = new Notes();
  await onScreen(
    (canvas) => drawTop(watch.state, recent, canvas, notes.lines),
    async (redraw) => {
      const timer = setInterval(redraw, redrawMs);
      try {
        await live(notes.say);
      } finally {
        clearInterval(timer);
      }
    },
  );
}

async function followInto(
  recent: RecentWindows,
  api: ApiOptions,
  scope: Scope,
  say: Say,
): Promise<void> {
  const onMissing = damageNotes(ms10.name, say);
  for await (const chunk of follow(api, ms10, `${reachMs}ms`, { scope })) {
    onMissing(chunk);
    const end = chunk.start + chunk.windows.counts.length * ms10.windowMs;
    recent.take(countedRows(chunk, ms10), end);
  }
}

/** Polls the state of a server every second, less often while the server does not answer. */
class ServerWatch {
  readonly #api: ApiOptions;
  readonly #rates = new WorkerRates();
  readonly #connection = new Connection({
    lost: (error) => this.#noteAway(reasonOf(error)),
    connected: () => undefined,
  });
  /** When the newest answer came, monotonic. */
  #answeredMs = performance.now();
  #state: ServerState;

  constructor(api: ApiOptions, scope: Scope) {
    this.#api = api;
    const nothing = { away: undefined, info: undefined, workers: [], nodes: [] };
    this.#state = { ...nothing, url: api.url, scope };
  }

  /** A hanging server accepts a request, which fails only seconds later. */
  get state(): ServerState {
    if (performance.now() - this.#answeredMs > staleMs) this.#noteAway('it is silent');
    return this.#state;
  }

  /** Never ends. @throws Reto3Error if another attempt would be useless */
  async go(): Promise<never> {
    for (;;) {
      await this.#connection.pause(askEveryMs);
      try {
        await this.ask();
      } catch (error) {
        this.#connection.failed(error);
      }
    }
  }

  /** @throws Reto3Error what the client throws */
  async ask(): Promise<void> {
    const [info, nodes] = await Promise.all([ask(this.#api, '/v1/info'), this.#nodes()]);
    this.#answeredMs = performance.now();
    this.#rates.take(this.#answeredMs, info);
    this.#state = { ...this.#state, away: undefined, info, workers: this.#rates.rates(), nodes };
    this.#connection.connected();
  }

  #noteAway(reason: string): void {
    const away = this.#state.away ?? { since: Date.now(), reason };
    this.#state = { ...this.#state, away };
  }

  async #nodes(): Promise<ServerState['nodes']> {
    try {
      return (await ask(this.#api, '/v1/cluster')).nodes ?? [];
    } catch (error) {
      const alone = error instanceof Reto3Error && error.code === 'RETO3_NO_CLUSTER';
      if (alone && this.#state.scope === 'node') return [];
      throw error;
    }
  }
}
