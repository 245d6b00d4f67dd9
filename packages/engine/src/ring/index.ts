/** The shared memory in which worker threads count: all of the engine that they load. */
export { allocate, controlOf, reachMs, slotMask, stripeOf, workerCountOf } from './layout.ts';
export { Minute } from './minute.ts';
export { addMessage, askForFlush, collectingFlush, RingReader } from './ring.ts';
export { finalThroughAt } from './timeline.ts';
