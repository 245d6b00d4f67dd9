/** Reports of a server, as tests ask for them, and messages that say when they were generated. */
import { ask } from './api.ts';
import type { Server } from './server.ts';

export interface ReportAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (number | string | null)[])[];
  readonly finalThrough: number;
}

/** Everything that a report has of a period, also what is not final. */
export function askReport(server: Server, name: string, period: string): Promise<ReportAnswer> {
  const query = `period=${period}&from=0&to=9999-12-30&open=true`;
  return ask(server.adminUrl, `/v1/reports/${name}?${query}`);
}

/** The sum of a column. */
export function columnSum({ columns, rows }: ReportAnswer, column: string): number {
  const index = columns.indexOf(column);
  return rows.reduce((sum, row) => sum + Number(row[index]), 0);
}

/** The body of a message that was generated then; `microseconds` beyond the whole ms, 0 to 999. */
export function stamp(timeMs: number, microseconds = 0): string {
  const time = new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
  return `value=${time}${String(microseconds).padStart(3, '0')}`;
}
