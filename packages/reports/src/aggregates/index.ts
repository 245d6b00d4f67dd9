/** The aggregates that `combine` makes reports from. */
export { type Aggregate, combine } from './aggregate.ts';
export { distinct } from './distinct.ts';
export { histogram } from './histogram.ts';
export { count, max, mean, min, sum } from './numbers.ts';
export { quantiles } from './quantiles.ts';
export { topK } from './top-k.ts';
