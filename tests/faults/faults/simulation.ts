/** Runs the seeded simulations, which are tests beside the code that they simulate. */
import { fileURLToPath } from 'node:url';
import { launch } from '../../support/processes.ts';
import type { Fault } from '../fault.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const vitest = `${root}/node_modules/vitest/vitest.mjs`;

/** @param tests the paths of the tests */
function simulated(...tests: string[]): Fault['run'] {
  return async (rounds) => {
    const running = launch(
      process.execPath,
      [vitest, 'run', '--root', root, '--project', 'slow', ...tests],
      { env: { RETO3_SEEDS: String(rounds), NO_COLOR: '1' } },
    );
    const { code } = await running.exited;
    const seed = /seed \d+/.exec(running.stdout + running.stderr)?.[0];
    return {
      runs: rounds,
      figure:
        code === 0 ? 'violations: 0' : `violations: at least 1, at ${seed ?? 'an unknown seed'}`,
      pass: code === 0,
    };
  };
}

export const simulation: Fault = {
  name: 'simulation',
  promise: 'no interleaving, crash, disk error or clock step breaks an invariant',
  fault: 'the seeded simulation, in virtual time',
  rounds: 10_000,
  run: simulated('packages/engine/src/simulation'),
};

export const tailSimulation: Fault = {
  name: 'tail-simulation',
  promise:
    'no interleaving of writing, rotating, compressing, reading and kills counts a line twice or not at all',
  fault: 'the seeded simulation of a followed log',
  rounds: 2_000,
  run: simulated('packages/sources/src/follow/follow.slow.test.ts'),
};

export const clusterSimulation: Fault = {
  name: 'simulation',
  promise: 'the sum is what the nodes have, and nothing is final before they are heard',
  fault: 'the seeded simulations of a cluster, in virtual time: outages, clocks, restores, repairs',
  rounds: 5_000,
  run: simulated('packages/cluster/src/simulation', 'packages/cluster/src/finality.slow.test.ts'),
};
