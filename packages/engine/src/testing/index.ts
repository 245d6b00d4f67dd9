/** Test doubles and generators, also for other packages. */
export { SimulatedDisk, type Trouble } from '../simulation/disk.ts';
export { MemoryJournal } from './memory-journal.ts';
export { perSecond, VirtualServer } from './virtual-server.ts';
