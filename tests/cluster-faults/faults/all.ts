/** Every fault, in the order of the table. */
import type { Fault } from '../../faults/fault.ts';
import { clusterSimulation } from '../../faults/faults/simulation.ts';
import { diskLost } from './disk-lost.ts';
import { exact } from './exact.ts';
import { mergers } from './mergers.ts';
import { natsKilled } from './nats-killed.ts';
import { outage } from './outage.ts';
import { partition } from './partition.ts';
import { restarts } from './restarts.ts';
import { rollback } from './rollback.ts';
import { streamGone } from './stream-gone.ts';

export const faults: readonly Fault[] = [
  exact,
  natsKilled,
  partition,
  restarts,
  rollback,
  diskLost,
  streamGone,
  mergers,
  outage,
  clusterSimulation,
];
