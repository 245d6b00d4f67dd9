/** Reports of a server, as tests ask for them, and messages that say when they were generated. */
import type { Report } from '@reto3/client/answers';
import { ask } from './api.ts';
import type { Server } from './server.ts';

/** Everything that a report has of a period, also what is not final. */
export function askReport(server: Server, name: string, period: string): Promise<Report> {
  const query = `period=${period}&from=0&to=9999-12-30&open=true`;
  return ask(server.adminUrl, `/v1/reports/${name}`, query);
}

/** The sum of a column. */
export function columnSum({ columns, rows }: Report, column: string): number {
  const index = columns.indexOf(column);
  return rows.reduce((sum, row) => sum + Number(row[index]), 0);
}

/** The body of a message that was generated then; `microseconds` beyond the whole ms, 0 to 999. */
export function stamp(timeMs: number, microseconds = 0): string {
  const time = new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
  return `value=${time}${String(microseconds).padStart(3, '0')}`;
}
