/** Reports over messages: the contract, the ledgers in the coordinator, stored rows and answers. */
export { Accumulators, encodeBounded } from './accumulators.ts';
export { answerReport, answerWindows } from './answer.ts';
export type { Message, Report, ReportRow, Value } from './contract.ts';
export { defineReport } from './define-report.ts';
export { isColumns, isPeriods, reportName } from './definition.ts';
export { readFacts } from './facts.ts';
export { reportFingerprint } from './fingerprint.ts';
export { countKeysOf } from './key-counts.ts';
export { ReportLedgers } from './ledgers.ts';
export { mergeWindows } from './merge-windows.ts';
export { type Need, Needs } from './needs.ts';
export { PartlyCountedWindows, periodOfParts } from './partly-counted.ts';
export {
  newestEndOf,
  type ReadRange,
  ReportView,
  type ReportWindows,
  type StoredWindow,
} from './reading.ts';
export { resolveReport } from './resolve-report.ts';
export { columnsOf, formatRow, formatRows, rowsOf } from './rows.ts';
