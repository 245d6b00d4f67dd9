/** The context of each measurement: the plan, the cores, temporary folders, progress, failures. */
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
  /** One core for the server and one for the load, if the machine has two. */
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
    // Runs also after a signal or the time limit.
    process.once('exit', () => rmSync(root, { recursive: true, force: true }));
    this.placement = pinned() ?? unpinned;
    this.peers = peers.filter((peer) => missingOf(peer).length === 0);
  }

  static async open(plan: Plan): Promise<Bench> {
    return new Bench(plan, await mkdtemp(join(tmpdir(), 'reto3-bench-')));
  }

  /** An empty folder that `close` deletes. */
  folder(): Promise<string> {
    return mkdtemp(join(this.#root, `${++this.#folders}-`));
  }

  /** Starts the peer, runs `use` with it, and stops it. */
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
   * The items in this round's order, reversed in every second round: a server's speed depends on
   * what ran before.
   */
  inTurn<T>(round: number, items: readonly T[]): readonly T[] {
    return round % 2 === 0 ? items : items.toReversed();
  }

  /** Runs a measurement; records a failure and returns false if it throws. */
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

  /** The names of all attempted measurements, failed ones included. */
  get attempted(): readonly string[] {
    return this.#attempted;
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /** Prints progress to stderr. */
  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}
