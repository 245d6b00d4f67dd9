/** Test doubles for the tests of other packages. */
export { SimulatedDisk, type Trouble } from '../simulation/disk.ts';
export { memoryAnchor } from './memory-anchor.ts';
export { MemoryJournal } from './memory-journal.ts';
export { makeMergerFolder } from './merger-folder.ts';
export { perSecond, VirtualServer } from './virtual-server.ts';
