/** The vocabulary of all packages: periods, times, windows as columns, answers, errors, metrics. */
export { type Ack, ackModes } from './ack.ts';
export {
  type Damaged,
  damagedFields,
  damagedOf,
  damagedTrailer,
  endMark,
  endRecord,
} from './answer/damage-text.ts';
export {
  contentTypes,
  countedRows,
  csvHeader,
  type Damages,
  type FormatName,
  formatAnswer,
  formatNames,
  formatRows,
  parseFormat,
  parseFormatOf,
  type ReadAgain,
  type Scope,
  type ScopeSelector,
  scopes,
  startsOf,
} from './answer/format.ts';
export {
  formatsWithoutMarks,
  PartialWindows,
  type PartlyCounted,
  partialOf,
} from './answer/partial-windows.ts';
export { readToken } from './bearer-token.ts';
export type { Chunk } from './chunk.ts';
export {
  type Clock,
  type ClockReading,
  type MonotonicMs,
  systemClock,
  type WallMs,
} from './clock.ts';
export { ClockDoubt, deleteEveryMs } from './clock-doubt.ts';
export { type Damage, damageMessage, type OnDamage, reportDamage } from './damage.ts';
export { type ErrorCode, errorHints, messageOf, Reto3Error } from './errors.ts';
export { type HttpEngineName, httpEngines, ingestServer } from './http-engine.ts';
export type { Log } from './log.ts';
export { BucketHistogram, type HistogramReading } from './metrics/bucket-histogram.ts';
export {
  counter,
  gauge,
  histogram,
  type Labels,
  type Metric,
  type MetricSource,
  Metrics,
} from './metrics/metric.ts';
export { RecentPeak } from './metrics/recent-peak.ts';
export { Mistakes } from './mistakes.ts';
export {
  commonMoment,
  isMoment,
  type LogMoment,
  logMoments,
  type Moment,
  momentText,
  parseLogMoment,
} from './moment.ts';
export { parseNumber } from './number.ts';
export {
  alignDown,
  alignUp,
  isPeriodName,
  largestTime,
  min,
  ms10,
  ms10PerSecond,
  type Period,
  type PeriodName,
  parsePeriod,
  periodNames,
  periods,
  sec,
  secondsPerMinute,
} from './period.ts';
export { isPlainName } from './plain-name.ts';
export { quantity } from './quantity.ts';
export {
  parseDuration,
  parseFromTo,
  parseTime,
  type Range,
  type RangeRequest,
  resolveRange,
} from './range.ts';
export { reportNamePattern } from './report-name.ts';
export { singleLine, terminalCell, terminalText } from './terminal-text.ts';
export { threadExit } from './thread-exit.ts';
export { timeText } from './time-text.ts';
export { VarintReader, VarintWriter } from './varints.ts';
export { version } from './version.ts';
export {
  allocateWindows,
  copyOf,
  isAnyCounted,
  joinWindows,
  lastCounted,
  overwrite,
  secondsOnly,
  secondsOnlyHint,
  secondsOnlyText,
  sliceOf,
  totalOf,
  type Windows,
} from './windows.ts';
