/** Aggregates that reports are combined of. */
export { type Aggregate, type Combined, combine, type ValueOf } from './aggregate.ts';
export { type DistinctOptions, distinct } from './distinct.ts';
export { histogram } from './histogram.ts';
export { count, max, mean, min, type NumberOptions, type SumOptions, sum } from './numbers.ts';
export { type QuantilesOptions, quantiles } from './quantiles.ts';
export { topK } from './top-k.ts';
