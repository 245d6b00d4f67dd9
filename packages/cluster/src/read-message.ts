/**
 * Requests of mergers to a node, and its replies, on the subject `<--nats-subject>.read.<node>`.
 * docs/format.md draws them. Anyone may send either, so both sides check everything.
 */
import { messageOf, type PeriodName, periodNames, VarintReader, VarintWriter } from '@reto3/core';
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
  /** Of a report's windows: the first boot that published the folder. Of counts: 0. */
  readonly lineage: number;
  /** Where the rest begins, epoch ms. */
  readonly next: number | undefined;
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
  const { of, from, to, report = '', period = 'ms10' } = request;
  const writer = new VarintWriter().number(kinds.indexOf(of)).number(from).number(to);
  return writer.text(report).number(periodNames.indexOf(period)).end();
}

/** @throws BadMessage */
export function decodeRequest(bytes: Uint8Array): ReadRequest {
  return decoded(bytes, (reader) => {
    const of = kinds[reader.number()];
    const [from, to, report] = [reader.number(), reader.number(), reader.text()];
    const period = periodNames[reader.number()];
    if (of === undefined || period === undefined) throw new RangeError('got an unknown request');
    if (report === '' && of !== 'rows') return { of, from, to };
    if (!reportName.test(report)) throw new RangeError('got an invalid name of a report');
    return { of, from, to, report, period };
  });
}

export function encodeDigests({ keptFrom, lineage, next, digests }: Digests): Uint8Array {
  const writer = new VarintWriter()
    .number(keptFrom)
    .number(lineage)
    .number(next ?? 0);
  for (const { start, total, crc } of digests) writer.number(start).number(total).number(crc);
  return writer.end();
}

/** @throws BadMessage */
export function decodeDigests(bytes: Uint8Array): Digests {
  return decoded(bytes, (reader) => {
    const [keptFrom, lineage] = [reader.number(), reader.number()];
    const next = reader.number() || undefined;
    const digests: Digest[] = [];
    while (reader.more) {
      if (digests.length === mostDigests) throw new RangeError('got too many digests');
      digests.push({ start: reader.number(), total: reader.number(), crc: reader.number() });
    }
    return { keptFrom, lineage, next, digests };
  });
}

export function encodeRows({ message, next = 0 }: Rows): Uint8Array {
  return new VarintWriter().number(next).bytes(message).end();
}

/** @throws BadMessage */
export function decodeRows(bytes: Uint8Array): Rows {
  return decoded(bytes, (reader) => {
    const next = reader.number() || undefined;
    return { message: reader.bytes(), next };
  });
}

/** @throws BadMessage */
function decoded<T>(bytes: Uint8Array, read: (reader: VarintReader) => T): T {
  try {
    return read(new VarintReader(bytes));
  } catch (cause) {
    throw new BadMessage(messageOf(cause), { cause });
  }
}
