/** Reports over messages: the contract, the built-in reports, their ledgers and answers. */
export { Accumulators, encodeBounded } from './accumulators.ts';
export {
  answerReport,
  answerWindows,
  columnsOf,
  formatRow,
  formatRows,
  rowsOf,
} from './answer.ts';
export {
  defineReport,
  isColumns,
  isPeriods,
  type Message,
  type Report,
  reportName,
  type Value,
} from './contract.ts';
export { readFacts } from './facts.ts';
export { reportFingerprint } from './fingerprint.ts';
export { countKeysOf } from './key-counts.ts';
export { ReportLedgers } from './ledgers.ts';
export { mergeWindows } from './merge-windows.ts';
export { type Need, Needs } from './needs.ts';
export {
  newestEndOf,
  type ReadRange,
  ReportView,
  type ReportWindows,
  type StoredWindow,
} from './reading.ts';
export { resolveReport } from './resolve-report.ts';
