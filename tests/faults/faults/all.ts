/** Every fault, in the order of the table. */
import type { Fault } from '../fault.ts';
import { archiveAhead, archiveKill, archiveStall } from './archive.ts';
import { clockSteps } from './clock-steps.ts';
import { damage } from './damage.ts';
import { diskFull } from './disk-full.ts';
import { fsyncFails } from './failing-fsync.ts';
import { folderMoved } from './folder-moved.ts';
import { fullStop } from './full-stop.ts';
import { hungWrite } from './hung-write.ts';
import { killDurable, killMemory, killShortFlush, killSlowDisk } from './kill.ts';
import { priceFull, priceOne, priceSteady } from './price.ts';
import { secondServer } from './second-server.ts';
import { simulation, tailSimulation } from './simulation.ts';
import { fsyncSlow } from './slow-fsync.ts';
import { soak } from './soak.ts';
import { stall } from './stall.ts';
import { stop } from './stop.ts';
import { tailKill } from './tail.ts';

export const faults: readonly Fault[] = [
  killDurable,
  killMemory,
  killShortFlush,
  killSlowDisk,
  stop,
  diskFull,
  fullStop,
  fsyncFails,
  fsyncSlow,
  hungWrite,
  folderMoved,
  damage,
  clockSteps,
  stall,
  secondServer,
  tailKill,
  archiveKill,
  archiveAhead,
  archiveStall,
  soak,
  simulation,
  tailSimulation,
  priceSteady,
  priceOne,
  priceFull,
];
