/** Test doubles and generators for all packages. */
export { exampleBytes, formatDocument } from './format-document.ts';
export { poissonFrom } from './poisson.ts';
export { Random } from './random.ts';
export { VirtualClock } from './virtual-clock.ts';
