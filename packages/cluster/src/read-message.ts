/**
 * Requests of mergers to a node, and its replies, on the subject `<--nats-subject>.read.<node>`.
 * docs/format.md draws them. Anyone may send either, so both sides check everything.
 */
import { isPeriodName, type PeriodName, VarintReader, VarintWriter } from '@reto3/core';
import { isStoreFailure } from '@reto3/engine';
import { reportName } from '@reto3/reports';
import type { Digest } from './digest.ts';
import { BadMessage } from './message.ts';

const kinds = ['minutes', 'counts', 'reports', 'rows'] as const;

export interface ReadRequest {
  /**
   * minutes: their digests, of the counts or of a report and period. counts: seconds. reports: the list
   * of the node's reports. rows: windows of a report and period.
   */
  readonly of: (typeof kinds)[number];
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly report?: string;
  readonly period?: PeriodName;
}

export interface Digests {
  /** The node has deleted everything older, epoch ms. */
  readonly keptFrom: number;
  /** Of a report's windows: the first boot that published the folder. Absent for counts. */
  readonly lineage?: number;
  /** Where the rest begins, epoch ms; absent if there is none. */
  readonly next?: number;
  readonly digests: readonly Digest[];
}

/** A message as in the stream, and where the rest begins. */
export interface Rows {
  readonly message: Uint8Array;
  readonly next: number | undefined;
}

/** There is no reply now; a merger asks again later. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
}

/** Whether a read can fail like that, on either side, without a mistake in the code. */
export function isReadFailure(error: unknown): boolean {
  return error instanceof NoReply || error instanceof BadMessage || isStoreFailure(error);
}

/** The minutes of more than a month; no node replies with more. */
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
  const isSeries = typeof report === 'string' && reportName.test(report);
  if (!isSeries || typeof period !== 'string' || !isPeriodName(period))
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
  const isValid =
    isTime(keptFrom) &&
    (lineage === undefined || isTime(lineage)) &&
    (next === undefined || isTime(next)) &&
    Array.isArray(digests) &&
    digests.length <= mostDigests;
  if (!isValid) throw new BadMessage('got a reply without digests');
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
    throw new BadMessage('got a reply without a message', { cause });
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof json === 'object' && json !== null) return { ...json };
  } catch {
    // See below.
  }
  throw new BadMessage('got no JSON object');
}

function digestOf(value: unknown): Digest {
  const [start, total, crc]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (isTime(start) && isTime(total) && isTime(crc)) return { start, total, crc };
  throw new BadMessage('got an invalid digest');
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
