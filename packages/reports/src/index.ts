/** Reports over messages: the contract, the built-in ones, their ledger and answers. */
export { Accumulators, encodeBounded } from './accumulators.ts';
export { answerReport, formatRow, formatRows, periodOf, rowsOf } from './answer.ts';
export { ReportBook } from './book.ts';
export { codeOf } from './code.ts';
export {
  defineReport,
  isColumns,
  isPeriods,
  type Message,
  type Report,
  reportName,
  type Value,
} from './contract.ts';
export { type ReportFacts, readFacts } from './facts.ts';
export {
  newestEndOf,
  type ReadRange,
  ReportView,
  type ReportWindows,
  type StoredWindow,
} from './reading.ts';
export { whichReport } from './which.ts';
