/** What every measurement is given: the plan, the cores, folders of its own, a way to tell. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Placement, pinned, unpinned } from './machine.ts';
import { missingOf, type Peer, type RunningPeer } from './peers/peer.ts';
import { peers } from './peers/peers.ts';
import type { Plan } from './plan.ts';
import type { Failure } from './result.ts';

export class Bench {
  readonly plan: Plan;
  /** Server on one core, load on another, where the machine has two. */
  readonly placement: Placement;
  /** The peers that are installed. */
  readonly peers: readonly Peer[];
  readonly #root: string;
  readonly #failures: Failure[] = [];
  readonly #attempted: string[] = [];
  #folders = 0;

  private constructor(plan: Plan, root: string) {
    this.plan = plan;
    this.#root = root;
    // Also where a signal or the time limit ends the run.
    process.once('exit', () => rmSync(root, { recursive: true, force: true }));
    this.placement = pinned() ?? unpinned;
    this.peers = peers.filter((peer) => missingOf(peer).length === 0);
  }

  static async open(plan: Plan): Promise<Bench> {
    return new Bench(plan, await mkdtemp(join(tmpdir(), 'reto3-bench-')));
  }

  /** An empty folder; it goes with `close`. */
  folder(): Promise<string> {
    return mkdtemp(join(this.#root, `${++this.#folders}-`));
  }

  /** Starts the peer, hands it over, and stops it whatever happens. */
  async with<T>(
    peer: Peer,
    options: { readonly placement: Placement; readonly workers: number },
    use: (running: RunningPeer) => Promise<T>,
  ): Promise<T> {
    const folder = await this.folder();
    const { placement, workers } = options;
    const running = await peer.start({ folder, cores: placement.server, workers });
    try {
      return await use(running);
    } finally {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * The order of a round: turned round in every second one, since a server runs faster or slower by
   * what ran ahead of it.
   */
  inTurn<T>(round: number, items: readonly T[]): readonly T[] {
    return round % 2 === 0 ? items : items.toReversed();
  }

  /** Does it; where it fails, says why, and returns whether it succeeded. */
  async attempt(name: string, work: () => Promise<void>): Promise<boolean> {
    this.#attempted.push(name);
    try {
      await work();
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.say(`  ${name} failed: ${reason}`);
      this.#failures.push({ of: name, reason });
      return false;
    }
  }

  /** Names of all that was attempted, whatever came of it. */
  get attempted(): readonly string[] {
    return this.#attempted;
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /** Progress, for people. */
  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}
