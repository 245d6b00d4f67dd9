/**
 * The public door, `import … from 'reto3/report'`: everything you need to write and test a report.
 */

export type { PeriodName } from '@reto3/core';
export * from './aggregates/index.ts';
export type { Column, ColumnType } from './columns.ts';
export type { Message, Report, ReportDefinition, ReportRow, Value } from './contract.ts';
export { defineReport } from './define-report.ts';
export { checkLaws, type LawOptions } from './laws.ts';
export { newMessage } from './message.ts';
export type { Need } from './needs.ts';
export { runReport } from './run-report.ts';
