/**
 * Plans a replay: finds the report and the archive, and aligns the range to whole windows of the
 * report's period.
 */
import { existsSync } from 'node:fs';
import { alignUp, type Period, parseFromTo, Reto3Error } from '@reto3/core';
import { archiveFolderOf } from '@reto3/engine';
import { answerWindows, Needs, type Report } from '@reto3/reports';
import { findReports } from '@reto3/reports/load';
import { countName, countReport } from './count.ts';
import { archivedHours, importedLog, messagesToReplay, type ReplayRange } from './replay.ts';

export interface ReplayRequest {
  /** `count`, a built-in report, the path of a module, or the name of the report in `module`. */
  readonly name: string;
  readonly module: string | undefined;
  readonly period: string | undefined;
  /** The length of the windows, such as `5m`. */
  readonly every?: string | undefined;
  /** Whether to answer with one window over the whole range. */
  readonly total?: boolean | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly dataDir: string;
}

export interface ReplayPlan {
  readonly report: Report;
  readonly period: Period;
  /** The length of the windows in ms; undefined for one over the whole range. */
  readonly everyMs: number | undefined;
  readonly range: ReplayRange;
  /** The folder of the archive. */
  readonly folder: string;
  /** An upper bound of the number of messages to read. */
  readonly messages: number;
}

/** Later than any message, and a multiple of every window length. */
export const endOfTime = Date.UTC(9999, 11, 31);

/**
 * @throws Reto3Error what `checkReplay` throws, RETO3_NO_ARCHIVE, RETO3_NO_DATA
 */
export async function planReplay(request: ReplayRequest, nowMs: number): Promise<ReplayPlan> {
  const checked = await checkReplay(request, nowMs);
  const folder = archiveFolderOf(request.dataDir);
  if (!existsSync(folder))
    throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${folder}`);
  if (archivedHours(folder) === undefined) throw nothingArchived();
  if (needsOf(checked.report).body) {
    const log = await importedLog(folder, checked.report, checked.range);
    if (log !== undefined) throw withoutBodies(checked.report, log);
  }
  return { ...checked, folder, messages: messagesToReplay(folder, checked.report, checked.range) };
}

/**
 * Makes the part of a plan that does not depend on the archive.
 * @param log that all messages will come from
 * @throws Reto3Error RETO3_NO_REPORT, RETO3_BAD_REPORT, RETO3_BAD_PERIOD, RETO3_BAD_TIME,
 * RETO3_BAD_RANGE
 */
export async function checkReplay(
  request: Omit<ReplayRequest, 'dataDir'>,
  nowMs: number,
  log?: string,
): Promise<Omit<ReplayPlan, 'folder' | 'messages'>> {
  const report = await reportOf(request);
  const { headers, body } = needsOf(report);
  if (headers?.length !== 0)
    throw cannotReplay(
      report,
      'it needs headers, and an archive keeps none',
      'host and client are archived: a report may need these instead',
    );
  if (body && log !== undefined) throw withoutBodies(report, log);
  const { period, everyMs } = answerWindows(report, request);
  const { from = 0, to = endOfTime } = parseFromTo(request, nowMs);
  const windowMs = everyMs ?? period.windowMs;
  const range = { from: alignUp(from, windowMs), to: alignUp(to, windowMs) };
  return { report, period, everyMs, range };
}

function needsOf(report: Report): Needs {
  return new Needs([report.needs].flat());
}

function withoutBodies(report: Report, log: string): Reto3Error {
  return cannotReplay(
    report,
    `it needs the body, and the messages of ${log} have none`,
    'choose a report of what a log has, such as by:path, or a range without imported messages',
  );
}

function cannotReplay(report: Report, why: string, hint: string): Reto3Error {
  const message = `cannot replay report "${report.name}": ${why}`;
  return new Reto3Error('RETO3_BAD_REPORT', message, { hint });
}

export function nothingArchived(): Reto3Error {
  return new Reto3Error('RETO3_NO_DATA', 'no message was archived in that range', {
    hint: 'widen the range; reto3 serve --archive keeps messages',
  });
}

async function reportOf({ name, module }: Pick<ReplayRequest, 'name' | 'module'>): Promise<Report> {
  if (module === undefined && name === countName) return countReport;
  const [loaded] = await findReports([module ?? name]);
  if (loaded === undefined) throw new Error(`BUG: there is no report ${name}`);
  if (module !== undefined && loaded.report.name !== name)
    throw new Reto3Error(
      'RETO3_NO_REPORT',
      `got report "${name}", but ${module} defines "${loaded.report.name}"`,
    );
  return loaded.report;
}
