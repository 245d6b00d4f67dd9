/** A run of the simulation: one seed decides every step. */
import { Random } from '@reto3/core/testing';
import { SimulatedServer, settle } from './server.ts';
import { restart, type Step, steps } from './steps.ts';

const allWeights = steps.reduce((sum, [weight]) => sum + weight, 0);

export class Simulation {
  readonly #random: Random;
  readonly #server: SimulatedServer;

  /** @param passTimers runs the timers of the next ms */
  constructor(seed: number, passTimers: (ms: number) => void) {
    this.#random = new Random(seed);
    this.#server = new SimulatedServer(this.#random, passTimers);
  }

  /** The steps so far, to debug a failing seed. */
  get log(): readonly string[] {
    return this.#server.log;
  }

  /** Runs random steps, stops cleanly and starts again. @throws Violation */
  async run(count: number): Promise<void> {
    await this.#server.start();
    for (let step = 0; step < count; step++) {
      await this.#pick()(this.#server, this.#random);
      await settle();
    }
    this.#server.endTrouble();
    await restart(this.#server);
  }

  #pick(): Step {
    let dice = this.#random.below(allWeights);
    for (const [weight, step] of steps) {
      if (dice < weight) return step;
      dice -= weight;
    }
    throw new Error('BUG: the weights do not add up');
  }
}
