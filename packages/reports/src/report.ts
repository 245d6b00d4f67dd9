/** The door of the report contract: what `import … from 'reto3/report'` gives. */

export type { PeriodName } from '@reto3/core';
export {
  defineReport,
  type Message,
  type Report,
  type ReportDefinition,
  type ReportRow,
  type Value,
} from './contract.ts';
export { checkLaws, type LawOptions } from './laws.ts';
