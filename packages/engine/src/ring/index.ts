/** The shared memory that worker threads count in: the only part of the engine they load. */
export { allocate, controlOf, reachMs, slotMask, stripeOf, workerCountOf } from './layout.ts';
export { Minute } from './minute.ts';
export { addMessage, askForFlush, collectingFlush, RingReader } from './ring.ts';
export { finalThroughAt } from './timeline.ts';
