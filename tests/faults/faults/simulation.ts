/** The seeded simulation of packages/engine/src/simulation, as its own test runs it. */
import { fileURLToPath } from 'node:url';
import { launch } from '../../support/processes.ts';
import type { Fault } from '../fault.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const vitest = `${root}/node_modules/vitest/vitest.mjs`;

export const simulation: Fault = {
  name: 'simulation',
  promise: 'no interleaving, crash, disk error or clock step breaks an invariant',
  fault: 'the seeded simulation, in virtual time',
  rounds: 10_000,
  missing: () => undefined,
  async run(rounds) {
    const running = launch(
      process.execPath,
      [vitest, 'run', '--root', root, '--project', 'slow', 'packages/engine/src/simulation'],
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
  },
};
