/** The public report contract: `import … from 'reto3/report'`. */

export type { PeriodName } from '@reto3/core';
export * from './aggregates/index.ts';
export type { Column, ColumnType } from './columns.ts';
export {
  defineReport,
  type Message,
  type Report,
  type ReportDefinition,
  type ReportRow,
  type Value,
} from './contract.ts';
export { checkLaws, type LawOptions } from './laws.ts';
export { newMessage } from './message.ts';
export type { Need } from './needs.ts';
export { runReport } from './run-report.ts';
