/**
 * What mergers ask of a node, and what it answers: a request and one reply, on the subject
 * `<--nats-subject>.read.<node>`. docs/format.md draws them. Anybody may ask, and anybody who may
 * answer can write anything, so both sides check all of it.
 */
import { type PeriodName, periods, VarintReader, VarintWriter } from '@reto3/core';
import { reportName } from '@reto3/reports';
import type { Digest } from './digest.ts';
import { BadMessage } from './message.ts';

const kinds = ['minutes', 'counts', 'reports', 'rows'] as const;
type Kind = (typeof kinds)[number];

/**
 * minutes: their digests, of counts, or of the windows of a report and period. counts: the seconds
 * themselves. reports: which the node has. rows: those of one report and period.
 */
export interface ReadRequest {
  readonly of: Kind;
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly report?: string;
  readonly period?: PeriodName;
}

export interface Digests {
  /** The node has deleted what is older, epoch ms. */
  readonly keptFrom: number;
  /**
   * Of windows of a report: the boot that began on the folder that has them. Absent: they are of
   * counts, though perhaps asked otherwise: an older version of reto3 knows no others.
   */
  readonly lineage?: number;
  /** From where on to ask for the rest, epoch ms; absent: this is all. */
  readonly next?: number;
  readonly digests: readonly Digest[];
}

/** A message of the node as the stream has them, and from where on to ask for the rest. */
export interface Rows {
  readonly message: Uint8Array;
  readonly next: number | undefined;
}

/** More than a month of minutes has: what is longer was not made by a node. */
const mostDigests = 50_000;

export function encodeRequest(request: ReadRequest): Uint8Array {
  return Buffer.from(JSON.stringify(request));
}

/** @throws BadMessage */
export function decodeRequest(bytes: Uint8Array): ReadRequest {
  const { of, from, to, report, period } = parse(bytes);
  const kind = kinds.find((one) => one === of);
  if (kind === undefined || !isTime(from) || !isTime(to)) throw new BadMessage('got no request');
  const isOfReport = kind === 'rows' || (kind === 'minutes' && report !== undefined);
  if (!isOfReport) return { of: kind, from, to };
  if (typeof report !== 'string' || !reportName.test(report) || !isPeriodName(period))
    throw new BadMessage('got a request for no report');
  return { of: kind, from, to, report, period };
}

export function encodeDigests({ digests, ...rest }: Digests): Uint8Array {
  const list = digests.map(({ start, total, crc }) => [start, total, crc]);
  return Buffer.from(JSON.stringify({ ...rest, digests: list }));
}

/** @throws BadMessage */
export function decodeDigests(bytes: Uint8Array): Digests {
  const { keptFrom, lineage, next, digests } = parse(bytes);
  const isKnown = (value: unknown): value is number | undefined =>
    value === undefined || isTime(value);
  if (!isTime(keptFrom) || !isKnown(lineage) || !isKnown(next) || !isList(digests))
    throw new BadMessage('got an answer without digests');
  return {
    keptFrom,
    ...(lineage !== undefined && { lineage }),
    ...(next !== undefined && { next }),
    digests: digests.map(digestOf),
  };
}

export function encodeRows({ message, next = 0 }: Rows): Uint8Array {
  return new VarintWriter().number(next).bytes(message).end();
}

/** @throws BadMessage */
export function decodeRows(bytes: Uint8Array): Rows {
  try {
    const reader = new VarintReader(bytes);
    const next = reader.number();
    return { message: reader.bytes(), next: next === 0 ? undefined : next };
  } catch (cause) {
    throw new BadMessage('got an answer that is none', { cause });
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof json === 'object' && json !== null) return { ...json };
  } catch {
    // Told below.
  }
  throw new BadMessage('got what is no JSON object');
}

function digestOf(value: unknown): Digest {
  const [start, total, crc]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (isTime(start) && isTime(total) && isTime(crc)) return { start, total, crc };
  throw new BadMessage('got a digest that is none');
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= mostDigests;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isPeriodName(value: unknown): value is PeriodName {
  return typeof value === 'string' && Object.hasOwn(periods, value);
}
