/** Queries for reports, and messages that contain time stamps. */
import type { Report } from '@reto3/client/answers';
import { ask } from './api.ts';
import type { Server } from './server.ts';

/** All windows of a report in one period, open ones included. */
export function askReport(server: Server, name: string, period: string): Promise<Report> {
  const query = `period=${period}&from=0&to=9999-12-30&open=true`;
  return ask(server.adminUrl, `/v1/reports/${name}`, query);
}

/** The sum of a column. */
export function columnSum({ columns, rows }: Report, column: string): number {
  const index = columns.indexOf(column);
  return rows.reduce((sum, row) => sum + Number(row[index]), 0);
}

/**
 * The body of a message with this time stamp; `microseconds` is the part below a millisecond, 0 to
 * 999.
 */
export function stamp(timeMs: number, microseconds = 0): string {
  const time = new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
  return `value=${time}${String(microseconds).padStart(3, '0')}`;
}
