/**
 * Where answers about windows come from: a server, the data folder of one that is stopped, or logs.
 * All give the same bytes, the same errors and the same exit codes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AnswerBody, type ApiOptions, ask, endHeaders, type Missing, request } from '@reto3/client';
import {
  damagedOf,
  damageMessage,
  type FormatName,
  type PeriodName,
  periods,
  Reto3Error,
  type Scope,
  type ScopeSelector,
} from '@reto3/core';
import type { CountsView } from '@reto3/engine';
import { apiOptionsOf } from './flags.ts';
import { type LogSource, logSourceOf, readSaying } from './log-source.ts';
import { sayOnStderr } from './terminal/notes.ts';

export type Source = ApiOptions | { readonly dataDir: string };
/** Where windows come from; messages are not kept of logs. */
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
  /** Given where the answer is followed: it may be empty, and damage does not end it. */
  readonly onMissing?: (missing: Missing) => void;
}

/** Whose counts: `--cluster` asks for those of all nodes, `--node` for those of one of them. */
export function whoseOf({ cluster, node }: Pick<Asked, 'cluster' | 'node'>): ScopeSelector {
  return { scope: cluster || node !== undefined ? 'cluster' : 'node', node };
}

/** Where a data folder has the counts of a scope: a merger keeps the cluster's in one of their own. */
export function countsFolder(dataDir: string, scope: Scope): string {
  return scope === 'cluster' ? join(dataDir, 'cluster') : dataDir;
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
  throw new Reto3Error('RETO3_BAD_RANGE', 'got --node with --data-dir, which it cannot have', {
    hint: "ask the server that adds up the cluster, or read that node's own folder",
  });
}

/** The same, or logs. @throws Reto3Error RETO3_BAD_RANGE, RETO3_BAD_FLAG */
export function countsSourceOf(
  flags: Parameters<typeof sourceOf>[0] & Parameters<typeof logSourceOf>[0],
): CountsSource {
  return logSourceOf(flags) ?? sourceOf(flags);
}

/** The server whose windows can be followed. @throws Reto3Error RETO3_BAD_RANGE */
export function serverToFollow(source: CountsSource, asked: Asked): ApiOptions {
  if ('logs' in source)
    throw new Reto3Error('RETO3_BAD_RANGE', 'got --follow with --log, which it cannot have', {
      hint: 'leave out one of them',
    });
  if ('dataDir' in source) {
    throw new Reto3Error(
      'RETO3_BAD_RANGE',
      'got --follow with --data-dir, where nothing is being counted',
      { hint: 'follow a server, with --url' },
    );
  }
  if (asked.to !== undefined || asked.open) {
    throw new Reto3Error(
      'RETO3_BAD_RANGE',
      'got --follow with --to or --open, which it cannot have',
      { hint: 'leave --to and --open out, or --follow' },
    );
  }
  return source;
}

/**
 * Writes the answer; resolves with where its range ends, epoch ms as text.
 * @throws Reto3Error RETO3_NO_DATA, RETO3_BLOCK_DAMAGED, and what the source throws
 */
export function writeAnswer(
  source: CountsSource,
  question: Question,
  to: Writable,
): Promise<string> {
  if ('logs' in source) return fromLogs(source, question, to);
  const answer =
    'dataDir' in source
      ? fromFolder(source.dataDir, question, to)
      : fromServer(source, question, to);
  return withCureForMerger(source, question, answer);
}

async function fromServer(api: ApiOptions, question: Question, into: Writable): Promise<string> {
  const { period, format, last, from, to, open } = question;
  const query = { last, from, to, ...(open && { open: 'true' }), format, ...whoseOf(question) };
  const response = await request(api, `/v1/stats/${period}`, query, endHeaders);
  const body = new AnswerBody(response, api);
  await pipeline(body, into, { end: false }).catch((error: unknown) => {
    throw body.cut(error);
  });
  settle(question, body.missing, response.headers['reto3-empty'] === 'true');
  return String(response.headers['reto3-to']);
}

async function fromLogs(source: LogSource, question: Question, into: Writable): Promise<string> {
  const nowMs = Date.now();
  const counts = await readSaying(source, nowMs);
  return fromView(counts.view(periods[question.period]), question, nowMs, into);
}

async function fromFolder(folder: string, question: Question, into: Writable): Promise<string> {
  // Loaded only here: LevelDB takes longer to load than a question to a server takes.
  const { DataFolder } = await import('@reto3/engine');
  return DataFolder.with(countsFolder(folder, whoseOf(question).scope), async (data) => {
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
  const { scope } = whoseOf(question);
  const period = periods[question.period];
  try {
    const { to, empty, pieces, damages } = await answer(
      view,
      { ...question, period, scope },
      nowMs,
    );
    await pipeline(Readable.from(pieces, { objectMode: false }), into, { end: false });
    settle(question, damagedOf(damages), empty);
    return String(to);
  } finally {
    await view.store.close();
  }
}

function settle({ period, onMissing }: Question, missing: Missing, empty: boolean): void {
  if (onMissing === undefined) assertComplete(period, missing, empty);
  else onMissing(missing);
}

/** Says, each once, which places a followed answer leaves out: the first three, and how many. */
export function sayingMissing(what: string, say = sayOnStderr): (missing: Missing) => void {
  let saidThrough = 0;
  return ({ damaged, damagedPlaces = damaged.length }) => {
    // A damaged block is met again by each question for a part of it.
    const fresh = damaged.filter(({ to }) => to > saidThrough);
    if (fresh.length === 0) return;
    for (const { to } of fresh) saidThrough = Math.max(saidThrough, to);
    for (const place of fresh.slice(0, mostSaid)) say(damageMessage({ ...place, series: what }));
    const more = damagedPlaces - (damaged.length - fresh.length) - mostSaid;
    if (more > 0) say(`and ${more} more damaged places`);
  };
}

const mostSaid = 3;

/**
 * An answer says at its end what it had to leave out.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED, RETO3_NO_DATA
 */
export function assertComplete(what: string, missing: Missing, empty: boolean): void {
  const { damaged, damagedPlaces = damaged.length } = missing;
  const [first] = damaged;
  if (first !== undefined) {
    const more = damagedPlaces === 1 ? '' : `, and ${damagedPlaces - 1} more places`;
    throw new Reto3Error(
      'RETO3_BLOCK_DAMAGED',
      `${damageMessage({ ...first, series: what })}${more}`,
    );
  }
  if (empty) throw new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range');
}

/**
 * Passes an answer on. Where it is empty because the server only adds up a cluster, and counts
 * nothing itself, the cure is --cluster, and no wider range.
 */
export async function withCureForMerger<Answer>(
  source: Source,
  asked: Asked,
  answer: Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const isEmpty = error instanceof Reto3Error && error.code === 'RETO3_NO_DATA';
    if (!isEmpty || whoseOf(asked).scope === 'cluster' || !(await hasClusterOnly(source)))
      throw error;
    throw new Reto3Error(error.code, 'this server adds up a cluster, and counts nothing itself', {
      cause: error,
      hint: 'add --cluster',
    });
  }
}

async function hasClusterOnly(source: Source): Promise<boolean> {
  if ('dataDir' in source) return existsSync(countsFolder(source.dataDir, 'cluster'));
  try {
    return (await ask(source, '/v1/info')).role === 'merge';
  } catch {
    // The first error says more than one about the question for its cause.
    return false;
  }
}
