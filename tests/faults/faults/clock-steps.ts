/**
 * Steps the wall clock under load, also back into hours that are already in blocks. The total must
 * stay exact, every step must be detected, and only time that passed twice may be marked as
 * revised.
 */
import { setTimeout } from 'node:timers/promises';
import { fillStore, type TimeRange } from '@reto3/bench/src/day/store.ts';
import { Random } from '@reto3/core/testing';
import { askInfo, askStats } from '../../support/api.ts';
import { faketime, SteppedClock } from '../../support/faketime.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** The highest count in the hours before. */
const maxPerWindow = 12;
/** Each round ends where it began; every second one goes to the future first. */
const roundsOfSteps = [
  [-3_600, 3_600, 1, -1],
  [3_600, -3_600, -1, 1],
];
const stayMs = 700;

/** Starts of minutes that passed more than once, at least in part. */
function minutesTwice(visits: readonly TimeRange[]): Set<number> {
  const minutes = new Set<number>();
  for (const [index, visit] of visits.entries()) {
    for (const earlier of visits.slice(0, index)) {
      const from = Math.max(visit.from, earlier.from);
      const to = Math.min(visit.to, earlier.to);
      for (let at = Math.floor(from / minuteMs) * minuteMs; at < to; at += minuteMs)
        minutes.add(at);
    }
  }
  return minutes;
}

export const clockSteps: Fault = {
  name: 'clock-steps',
  promise: 'whatever the wall clock does, every message is in one window',
  fault: 'libfaketime: steps of +1, -1, +3,600 and -3,600 s under load, back over stored hours',
  rounds: 20,
  missing: faketime,
  async run(rounds) {
    const dataDir = `${await temporaryFolder()}/data`;
    const to = Math.floor(Date.now() / minuteMs) * minuteMs;
    const from = to - 2 * hourMs;
    const random = new Random(3_600);
    await fillStore(dataDir, { from, to }, () => random.below(maxPerWindow));
    const clock = await SteppedClock.make();
    const server = await Server.start({ dataDir, env: clock.env });
    const before = (await askInfo(server.adminUrl)).messagesInAll;
    const load = Load.start({ port: server.port, connections: 8, depth: 1 });
    const visits: TimeRange[] = [{ from, to }];
    let steps = 0;
    let arrivedAt = clock.now();
    const step = async (seconds: number): Promise<void> => {
      await setTimeout(stayMs);
      visits.push({ from: arrivedAt, to: clock.now() });
      await clock.step(seconds * 1_000);
      arrivedAt = clock.now();
      steps++;
    };
    for (let round = 0; round < rounds; round++) {
      for (const seconds of roundsOfSteps[round % roundsOfSteps.length] ?? []) await step(seconds);
    }
    await setTimeout(stayMs);
    await load.stop();
    visits.push({ from: arrivedAt, to: clock.now() });

    const { clockSteps: seen } = await askInfo(server.adminUrl);
    const range = `from=${from}&to=${Date.now() + 2 * hourMs}&open=true`;
    const { revised } = await askStats(server.adminUrl, 'ms10', range);
    const twice = minutesTwice(visits);
    const strangers = revised.filter(
      (start) => !twice.has(Math.floor(start / minuteMs) * minuteMs),
    );
    const { code } = await server.stop();
    if (code !== 0) throw new Error(`got exit code ${code}, want 0: ${server.stderr}`);
    const counted = (await totalAfterRestart({ dataDir }, from)) - before;
    return {
      runs: steps,
      figure:
        `counted ${counted} of ${load.answered}; clockSteps ${seen} of ${steps}; ` +
        `${revised.length} windows marked revised, outside of minutes that passed twice: ${strangers.length}`,
      pass:
        counted === load.answered &&
        load.answered === load.sent &&
        seen === steps &&
        revised.length > 0 &&
        strangers.length === 0,
    };
  },
};
