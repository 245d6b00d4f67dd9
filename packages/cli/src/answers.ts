/**
 * The sources of windows: a server, the data folder of a stopped one, or logs. All produce the same
 * bytes, errors and exit codes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AnswerBody, type ApiOptions, ask, endHeaders, type Missing, request } from '@reto3/client';
import {
  damagedOf,
  damageMessage,
  errorHints,
  type FormatName,
  type LogMoment,
  type PartlyCounted,
  type PeriodName,
  parseLogMoment,
  partialOf,
  periods,
  quantity,
  Reto3Error,
  resolveRange,
  type ScopeSelector,
  secondsOnlyHint,
  secondsOnlyText,
  timeText,
} from '@reto3/core';
import type { CountsView } from '@reto3/engine';
import { apiOptionsOf } from './flags.ts';
import { type LogSource, logSourceOf, readAndSummarise } from './log-source.ts';
import { noteMoment } from './moment.ts';
import { noteOnStderr } from './terminal/notes.ts';

export type Source = ApiOptions | { readonly dataDir: string };
/** A source of windows. Logs count too, but have no messages to query. */
export type CountsSource = Source | LogSource;

export interface Asked {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly open?: boolean | undefined;
  readonly cluster?: boolean | undefined;
  readonly node?: string | undefined;
}

interface Question extends Asked {
  readonly period: PeriodName;
  readonly format: FormatName;
  /** Whether something else tells the user which moment the logs mark. */
  readonly isMomentSaid?: boolean;
  /** Given when following: the answer may be empty, and damage does not end it. */
  readonly onMissing?: (missing: Missing) => void;
}

/** `--cluster` selects the counts of all nodes, `--node` those of one. */
export function scopeOf({ cluster, node }: Pick<Asked, 'cluster' | 'node'>): ScopeSelector {
  return { scope: cluster || node !== undefined ? 'cluster' : 'node', node };
}

/** @throws Reto3Error RETO3_BAD_RANGE */
export function sourceOf(
  flags: Parameters<typeof apiOptionsOf>[0] & {
    readonly 'data-dir': string | undefined;
    readonly node?: string | undefined;
  },
): Source {
  const dataDir = flags['data-dir'];
  if (dataDir === undefined) return apiOptionsOf(flags);
  if (flags.node === undefined) return { dataDir };
  throw new Reto3Error('RETO3_BAD_RANGE', 'got --node with --data-dir, want one of them', {
    hint: "ask the server that merges the cluster, or read the node's own folder",
  });
}

/** Like `sourceOf`, but also accepts logs. @throws Reto3Error RETO3_BAD_RANGE, RETO3_BAD_FLAG */
export function countsSourceOf(
  flags: Parameters<typeof sourceOf>[0] & Parameters<typeof logSourceOf>[0],
): CountsSource {
  return logSourceOf(flags) ?? sourceOf(flags);
}

/** The server to follow. @throws Reto3Error RETO3_BAD_RANGE if the source is not a server */
export function serverToFollow(source: CountsSource, asked: Asked): ApiOptions {
  if ('logs' in source)
    throw new Reto3Error('RETO3_BAD_RANGE', 'got --follow with --log, want one of them', {
      hint: 'omit one of the two',
    });
  if ('dataDir' in source) {
    throw new Reto3Error('RETO3_BAD_RANGE', 'got --follow with --data-dir, want one of them', {
      hint: 'nothing is being counted there; follow a server with --url',
    });
  }
  if (asked.to !== undefined || asked.open) {
    throw new Reto3Error('RETO3_BAD_RANGE', 'got --follow with --to or --open', {
      hint: 'omit these: --follow has no end, and prints only final windows',
    });
  }
  return source;
}

/**
 * Writes the answer; resolves with the end of its range, epoch ms as text.
 * @throws Reto3Error RETO3_NO_DATA, RETO3_BLOCK_DAMAGED, and what the source throws
 */
export function writeAnswer(
  source: CountsSource,
  question: Question,
  to: Writable,
): Promise<string> {
  return withFittingHint(source, question, answerFrom(source, question, to));
}

function answerFrom(source: CountsSource, question: Question, to: Writable): Promise<string> {
  if ('logs' in source) return fromLogs(source, question, to);
  if ('dataDir' in source) return fromFolder(source.dataDir, question, to);
  return fromServer(source, question, to);
}

async function fromServer(api: ApiOptions, question: Question, into: Writable): Promise<string> {
  const { period, format, last, from, to, open } = question;
  const query = { last, from, to, ...(open && { open: 'true' }), format, ...scopeOf(question) };
  const response = await request(api, `/v1/stats/${period}`, query, endHeaders);
  const body = new AnswerBody(response, api);
  await pipeline(body, into, { end: false }).catch((error: unknown) => {
    throw body.cut(error);
  });
  const isEmpty = response.headers['reto3-empty'] === 'true';
  const isCoarse = response.headers['reto3-seconds-only'] === 'true';
  const moment = parseLogMoment(response.headers['reto3-moment']);
  settle(question, body.missing, isCoarse ? 'seconds only' : isEmpty, moment);
  return String(response.headers['reto3-to']);
}

async function fromLogs(source: LogSource, question: Question, into: Writable): Promise<string> {
  const nowMs = Date.now();
  const period = periods[question.period];
  // Checks the range first, because reading logs may take long.
  resolveRange(period, question, nowMs, { finalThrough: nowMs, newestEnd: nowMs });
  const counts = await readAndSummarise(source, nowMs);
  return fromView(counts.view(period), { ...question, isMomentSaid: true }, nowMs, into);
}

async function fromFolder(folder: string, question: Question, into: Writable): Promise<string> {
  // Loaded here, because loading LevelDB takes longer than asking a server.
  const { DataFolder } = await import('@reto3/engine');
  return DataFolder.ofScope(folder, scopeOf(question).scope, async (data) => {
    const nowMs = Date.now();
    return fromView(await data.view(periods[question.period], nowMs), question, nowMs, into);
  });
}

async function fromView(
  view: CountsView,
  question: Question,
  nowMs: number,
  into: Writable,
): Promise<string> {
  const { answer } = await import('@reto3/engine');
  const { scope } = scopeOf(question);
  const period = periods[question.period];
  try {
    const { to, empty, secondsOnly, moment, pieces, damages, partial } = await answer(
      view,
      { ...question, period, scope },
      nowMs,
    );
    await pipeline(Readable.from(pieces, { objectMode: false }), into, { end: false });
    const missing = { ...damagedOf(damages), ...(partial && partialOf(partial)) };
    settle(question, missing, secondsOnly ? 'seconds only' : empty, moment);
    return String(to);
  } finally {
    await view.store.close();
  }
}

/** Whether an answer has no windows; the text is the reason. */
type Empty = boolean | 'seconds only';

function settle(
  { period, format, isMomentSaid, onMissing }: Question,
  missing: Missing,
  empty: Empty,
  moment: LogMoment | undefined,
): void {
  // JSON has a field for it.
  if (empty === false && format !== 'json' && isMomentSaid !== true) noteMoment(moment);
  notePartial(period, missing);
  if (onMissing === undefined) assertComplete(period, missing, empty);
  else onMissing(missing);
}

/**
 * Reports each damaged place of a followed answer once: the first three, and the number of others.
 */
export function damageNotes(what: string, say = noteOnStderr): (missing: Missing) => void {
  let saidThrough = 0;
  return ({ damaged, damagedPlaces = damaged.length }) => {
    // Every answer that reads part of a damaged block reports it again.
    const fresh = damaged.filter(({ to }) => to > saidThrough);
    if (fresh.length === 0) return;
    for (const { to } of fresh) saidThrough = Math.max(saidThrough, to);
    for (const place of fresh.slice(0, maxNoted)) say(damageMessage({ ...place, series: what }));
    const more = damagedPlaces - (damaged.length - fresh.length) - maxNoted;
    if (more > 0) say(`and ${quantity(more, 'more damaged place')}`);
  };
}

const maxNoted = 3;

/** Names the windows counted in part, of an answer whose format cannot mark them. */
export function notePartial(
  what: string,
  { partial = [], partialWindows = partial.length }: Partial<PartlyCounted>,
): void {
  if (partialWindows === 0) return;
  const first = partial.slice(0, maxNoted).map((start) => timeText(start));
  const more = partialWindows - first.length;
  const names = [...first, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  noteOnStderr(`counted in part, as at a start or stop: ${what} ${names}`);
}

/**
 * Checks the list of omitted windows at the end of an answer.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED, RETO3_NO_DATA
 */
export function assertComplete(what: string, missing: Missing, empty: Empty): void {
  const { damaged, damagedPlaces = damaged.length } = missing;
  const [first] = damaged;
  if (first !== undefined) {
    const more = damagedPlaces === 1 ? '' : `, and ${quantity(damagedPlaces - 1, 'more place')}`;
    throw new Reto3Error(
      'RETO3_BLOCK_DAMAGED',
      `${damageMessage({ ...first, series: what })}${more}`,
    );
  }
  if (empty === 'seconds only')
    throw new Reto3Error('RETO3_NO_DATA', secondsOnlyText, { hint: secondsOnlyHint });
  if (empty) throw new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range');
}

/**
 * Passes on an answer. If it is empty, replaces a hint that would not help: `--open` does not for
 * logs and folders, whose windows are all final, and a wider range does not for a server that only
 * merges a cluster.
 */
export async function withFittingHint<Answer>(
  source: CountsSource,
  asked: Asked,
  answer: Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_NO_DATA') throw error;
    if (scopeOf(asked).scope === 'node' && (await hasClusterOnly(source)))
      throw new Reto3Error(error.code, 'this server merges a cluster, and counts nothing itself', {
        cause: error,
        hint: 'add --cluster',
      });
    const isFinal = 'logs' in source || 'dataDir' in source || asked.open === true;
    if (!isFinal || error.hint !== errorHints.RETO3_NO_DATA) throw error;
    throw new Reto3Error(error.code, error.message, {
      cause: error,
      hint: 'widen the range; --from 0 takes everything',
    });
  }
}

async function hasClusterOnly(source: CountsSource): Promise<boolean> {
  if ('logs' in source) return false;
  if ('dataDir' in source) return existsSync(join(source.dataDir, 'cluster'));
  try {
    return (await ask(source, '/v1/info')).role === 'merge';
  } catch {
    // The original error is more useful than one from this check.
    return false;
  }
}
