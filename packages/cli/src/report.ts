/** Reads reports from a server, or from the data folder of a stopped one, and prints them. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AnswerBody,
  type ApiOptions,
  ask,
  Connection,
  endHeaders,
  type Missing,
  request,
} from '@reto3/client';
import type { ReportList } from '@reto3/client/answers';
import { damagedOf, type FormatName, partialOf, Reto3Error, timeText } from '@reto3/core';
import {
  type Asked,
  assertComplete,
  damageNotes,
  notePartial,
  type Source,
  serverToFollow,
  withFittingHint,
} from './answers.ts';
import { exitOnSignal } from './clean-up.ts';
import { Contact } from './contact.ts';
import {
  listInFolder,
  listInMergersFolder,
  reportInFolder,
  reportInMergersFolder,
} from './stored-report.ts';

export interface ReportQuestion extends Asked {
  readonly name: string;
  readonly period: string | undefined;
  /** The length of the windows, such as `5m`. */
  readonly every?: string | undefined;
  /** Whether to print one window over the whole range. */
  readonly total?: boolean | undefined;
  readonly follow?: boolean | undefined;
  readonly format: FormatName;
  /** Whether to say which windows were counted in part, because the output cannot mark them. */
  readonly notesPartial?: boolean | undefined;
  /** The module of a report that is not built in; needed to read a folder. */
  readonly module: string | undefined;
}

/** @param cluster whether to list the reports of all nodes, which a merger has */
export async function askReports(source: Source, cluster: boolean): Promise<ReportList> {
  if (!('dataDir' in source))
    return ask(source, '/v1/reports', cluster ? { scope: 'cluster' } : {});
  const { DataFolder } = await import('@reto3/engine');
  return cluster
    ? DataFolder.ofScope(source.dataDir, 'cluster', ({ store }) => listInMergersFolder(store))
    : DataFolder.with(source.dataDir, ({ store }) => listInFolder(store));
}

const nodeStates: Readonly<Record<string, string>> = {
  runs: 'runs it',
  stopped: 'ran it',
  other: 'runs a different report of that name, which is left out',
  without: 'counts, but does not run it',
};

/** One paragraph per report: its summary, its state and its columns. */
export function reportLines(reports: ReportList): string[] {
  return reports.flatMap((report) => {
    const { name, summary, running, periods, columns, since, runs, nodes, types = {} } = report;
    const last = runs?.at(-1);
    const stopped = last?.to === undefined ? 'stopped' : `stopped ${timeText(last.to)}`;
    const off =
      last?.off === undefined ? stopped : `switched off ${timeText(last.to ?? 0)}: ${last.off}`;
    const width = Math.max(...Object.keys(columns).map((column) => column.length));
    return [
      `${name}: ${summary}`,
      `  ${running ? 'running' : off}; since ${timeText(since)}; ${periods.join(', ')}`,
      ...(nodes ?? []).map(
        (node) => `  node ${node.name}: ${nodeStates[node.state] ?? node.state}`,
      ),
      ...finalLine(report),
      ...errorLine(report),
      ...Object.entries(columns).map(([column, tells]) => {
        const unit = types[column]?.unit;
        return `  ${column.padEnd(width)}  ${tells}${unit === undefined ? '' : ` (${unit})`}`;
      }),
    ];
  });
}

type Listed = ReportList[number];

function finalLine({ ownTime, allowedLatenessMs }: Listed): string[] {
  if (allowedLatenessMs !== undefined)
    return [`  windows are final ${allowedLatenessMs / 1_000} s after their end`];
  return ownTime ? ['  final windows may still grow: it places messages by their own time'] : [];
}

function errorLine({ errors }: Listed): string[] {
  if (errors === undefined) return [];
  const { failed, skipped } = errors;
  return [`  messages that it failed on: ${failed}, that it had no time for: ${skipped}`];
}

/** Examples of the messages on which reports failed; nothing for reports without failures. */
export function errorLines(reports: ReportList): string[] {
  return reports.flatMap((report) => {
    const { name, errors } = report;
    if (errors === undefined) return [];
    const examples = errors.examples.map(
      ({ at, method, path, error }) => `  ${timeText(at)}, ${method} ${path}: ${error}`,
    );
    return [`${name}:`, ...errorLine(report), ...examples];
  });
}

/**
 * Writes the answer; resolves with the end of its range, epoch ms as text.
 * @throws Reto3Error RETO3_NO_DATA, RETO3_BLOCK_DAMAGED, and what the source throws
 */
export function writeReport(
  source: Source,
  question: ReportQuestion,
  to: Writable,
): Promise<string> {
  const answer =
    'dataDir' in source
      ? fromFolder(source.dataDir, question, to)
      : fromServer(source, question, to);
  return withFittingHint(source, question, answer);
}

async function fromServer(
  api: ApiOptions,
  question: ReportQuestion,
  into: Writable,
): Promise<string> {
  const response = await requestRows(api, question);
  const body = new AnswerBody(response, api);
  await pipeline(body, into, { end: false }).catch((error: unknown) => {
    throw body.cut(error);
  });
  sayWithout(String(response.headers['reto3-without'] ?? ''), question.name);
  settle(question, body.missing, response.headers['reto3-empty'] === 'true');
  return String(response.headers['reto3-to']);
}

/** @throws Reto3Error RETO3_NO_DATA, RETO3_BLOCK_DAMAGED */
function settle({ name, notesPartial }: ReportQuestion, missing: Missing, empty: boolean): void {
  if (notesPartial) notePartial(`report ${name}`, missing);
  assertComplete(`report ${name}`, missing, empty);
}

function requestRows(api: ApiOptions, question: ReportQuestion): Promise<IncomingMessage> {
  const { name, period, every, total, format, last, from, to, open, cluster } = question;
  const scope = cluster ? 'cluster' : undefined;
  const switches = { ...(open && { open: 'true' }), ...(total && { total: 'true' }) };
  const query = { period, every, last, from, to, ...switches, format, scope };
  return request(api, `/v1/reports/${encodeURIComponent(name)}`, query, endHeaders);
}

/** Names the nodes that count but do not run the report, and are therefore missing. */
function sayWithout(nodes: string, report: string): void {
  if (nodes !== '')
    process.stderr.write(
      `reto3: without ${nodes.replaceAll(',', ', ')}: they do not run ${report}\n`,
    );
}

async function fromFolder(
  folder: string,
  question: ReportQuestion,
  into: Writable,
): Promise<string> {
  const [{ DataFolder }, reports, { findReports }] = await Promise.all([
    import('@reto3/engine'),
    import('@reto3/reports'),
    import('@reto3/reports/load'),
  ]);
  const { answerReport, answerWindows, periodOfParts } = reports;
  const { name, module, cluster } = question;
  const loaded = module === undefined ? [] : await findReports([module]);
  const given = loaded.find(({ report }) => report.name === name)?.report;
  return DataFolder.ofScope(folder, cluster ? 'cluster' : 'node', async (data) => {
    const { report, open } = await (cluster ? reportInMergersFolder : reportInFolder)(
      data.store,
      name,
      given,
    );
    const windows = answerWindows(report, question);
    const view = await open(windows.period.name);
    const nowMs = Date.now();
    const period = periodOfParts(windows);
    const counts = period && (await data.view(period, nowMs));
    try {
      const scope = cluster ? 'cluster' : 'node';
      const asked = { ...question, windows, scope } as const;
      const answered = await answerReport(view, counts, report, asked, nowMs);
      await pipeline(Readable.from(answered.pieces, { objectMode: false }), into, { end: false });
      const missing = { ...damagedOf(answered.damages), ...partialOf(answered.partial) };
      settle(question, missing, answered.empty);
      return String(answered.to);
    } finally {
      await view.close();
      await counts?.store.close();
    }
  });
}

/**
 * Whether the folder has messages but no row of the report: an import keeps messages and runs no
 * reports.
 */
export async function hasMessagesOnly(
  folder: string,
  { name, cluster }: Pick<ReportQuestion, 'name' | 'cluster'>,
): Promise<boolean> {
  const [{ archiveFolderOf, DataFolder }, { readFacts }] = await Promise.all([
    import('@reto3/engine'),
    import('@reto3/reports'),
  ]);
  if (cluster || !existsSync(archiveFolderOf(folder))) return false;
  return DataFolder.with(folder, async ({ store }) => !(await readFacts(store)).has(name));
}

/**
 * Checks everything that computing the report from messages needs, except for the messages.
 * @param log that they will come from
 * @throws Reto3Error RETO3_BAD_FLAG, and what `checkReplay` throws
 */
export async function checkOfMessages(
  question: Omit<ReportQuestion, 'format'>,
  log?: string,
): Promise<void> {
  const { last, open, follow, cluster } = question;
  const [unfit] = Object.entries({ last, open, follow, cluster }).find(([, value]) => value) ?? [];
  if (unfit !== undefined)
    throw new Reto3Error(
      'RETO3_BAD_FLAG',
      `got --${unfit} for a report that is computed from messages`,
      { hint: 'omit it; --from and --to choose a range' },
    );
  const { checkReplay } = await import('@reto3/archive');
  const { from, to } = question;
  await checkReplay({ ...question, from, to }, Date.now(), log);
}

/**
 * Writes the rows that the report computes now from archived messages.
 * @throws Reto3Error what a replay throws
 */
export async function writeOfMessages(
  question: ReportQuestion & { readonly dataDir: string; readonly api: ApiOptions },
  into: Writable,
): Promise<void> {
  const { writeReplay } = await import('./replay.ts');
  const { from, to } = question;
  await writeReplay({ ...question, from, to }, into);
}

/** How often to ask for new rows; windows become final no faster. */
const followEveryMs = 500;

/**
 * Writes the newest windows, then others as they become final; never resolves. Continues after the
 * server restarts, without missing a window.
 * @throws Reto3Error RETO3_BAD_RANGE, and the error of the first request
 */
export async function followReport(
  source: Source,
  question: ReportQuestion,
  into: Writable,
): Promise<never> {
  if (question.total)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --follow and --total together', {
      hint: 'leave one of them out; --every follows windows of any length',
    });
  const api = serverToFollow(source, question);
  exitOnSignal();
  const format = question.format === 'json' ? 'ndjson' : question.format;
  const { from, last = from === undefined ? '1' : undefined } = question;
  const say = damageNotes(`report ${question.name}`);
  const connection = new Connection(new Contact(api.url));
  let next: Asked = { from, last };
  for (let first = true; ; ) {
    try {
      const response = await requestRows(api, { ...question, format, ...next });
      const body = new AnswerBody(response, api);
      const text = await body.text();
      // CSV has its header only before the first rows.
      const rows = format === 'csv' && !first ? text.replace(/^.*\n/, '') : text;
      if (!into.write(rows)) await once(into, 'drain');
      next = { from: String(response.headers['reto3-to']) };
      say(body.missing);
      if (question.notesPartial) notePartial(`report ${question.name}`, body.missing);
      first = false;
      connection.connected();
    } catch (error) {
      connection.failed(error);
    }
    await connection.pause(followEveryMs);
  }
}
