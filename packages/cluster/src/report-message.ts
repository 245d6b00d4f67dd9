/**
 * What a node publishes of its reports: accumulators of windows, absolute, and up to where it has
 * published everything. docs/format.md draws the bytes. The subject is that of its seconds; the
 * first byte tells the two apart.
 *
 * All that a node has of a window is in one message, so that a later one simply takes its place.
 */
import {
  messageOf,
  type PeriodName,
  periodNames,
  periods,
  VarintReader,
  VarintWriter,
} from '@reto3/core';
import { pack, unpack } from '@reto3/engine';
import { reportName } from '@reto3/reports';
import { BadMessage } from './message.ts';
import { type NodeReport, parseReports } from './node-report.ts';

/** The first byte; a message of seconds begins with 1. */
const version = 2;

/** All that a node has of one window of a report. */
export interface WindowPart {
  /** The encoded accumulator; empty where it is too large for NATS. */
  readonly bytes: Uint8Array;
  /** How many bytes it has, where they are too many; 0 otherwise. */
  readonly tooLarge: number;
  /** An earlier part of it was damaged in the node's store: these are not all. */
  readonly partial: boolean;
}

export interface PublishedWindow extends WindowPart {
  readonly report: string;
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly start: number;
}

export interface ReportMessage {
  /** Number of the server's start. */
  readonly boot: number;
  /** The write of the node's store that the windows were read after. */
  readonly revision: number;
  /**
   * The boot that began on this folder. What two folders hold under one name is of different
   * messages: it is added up.
   */
  readonly lineage: number;
  /** What boots before that one published is void; 0: nothing is. */
  readonly voids: number;
  /** By period: windows that ended by then are final, and in this message or an earlier one. */
  readonly marks: Readonly<Record<PeriodName, number>>;
  /** All reports of the node, where it says them. */
  readonly reports: readonly NodeReport[] | undefined;
  readonly windows: readonly PublishedWindow[];
}

/** Several times what a node puts into one message: what inflates to more is not of a node. */
const mostPlainBytes = 4 << 20;
/** What a message has beside the accumulators, and a window beside its own: more than enough. */
export const headBytes = 512;
export const windowHeadBytes = 64;

const kinds = { whole: 0, tooLarge: 1, partial: 2 } as const;

/** Whether these bytes are, or were, a message of reports. */
export function isReportMessage(bytes: Uint8Array): boolean {
  return bytes[0] === version;
}

export function encodeReportMessage(message: ReportMessage, node: string): Uint8Array {
  const { boot, revision, lineage, voids, marks, reports, windows } = message;
  const writer = new VarintWriter();
  writer.number(boot).number(revision).number(lineage).number(voids);
  for (const name of periodNames) writer.number(marks[name]);
  writer.bytes(Buffer.from(reports === undefined ? '' : JSON.stringify(reports)));
  for (const window of windows) {
    const { report, period, start, bytes, tooLarge, partial } = window;
    const kind = tooLarge > 0 ? kinds.tooLarge : partial ? kinds.partial : kinds.whole;
    writer.bytes(Buffer.from(report, 'latin1')).number(periodNames.indexOf(period));
    writer.number(start / periods[period].windowMs).number(kind);
    if (kind === kinds.tooLarge) writer.number(tooLarge);
    else writer.bytes(bytes);
  }
  return pack(version, writer.end(), Buffer.from(node));
}

/** @throws BadMessage */
export function decodeReportMessage(bytes: Uint8Array, node: string): ReportMessage {
  try {
    const { plain } = unpack(version, bytes, Buffer.from(node), { mostPlainBytes });
    return readBody(new VarintReader(plain));
  } catch (error) {
    throw new BadMessage(messageOf(error));
  }
}

function readBody(reader: VarintReader): ReportMessage {
  const [boot, revision] = [reader.number(), reader.number()];
  const [lineage, voids] = [reader.number(), reader.number()];
  const marks = { ms10: reader.number(), sec: reader.number(), min: reader.number() };
  const said = Buffer.from(reader.bytes()).toString();
  const reports = said === '' ? undefined : parseReports(JSON.parse(said));
  const windows: PublishedWindow[] = [];
  while (reader.more) {
    const report = Buffer.from(reader.bytes()).toString('latin1');
    if (!reportName.test(report)) throw new RangeError('got a name that no report has');
    const period = periodNames[reader.number()];
    if (period === undefined) throw new RangeError('got a period that is none');
    const start = reader.number() * periods[period].windowMs;
    const kind = reader.number();
    if (!Number.isSafeInteger(start) || kind > kinds.partial)
      throw new RangeError(`got a window of kind ${kind} at ${start}`);
    const tooLarge = kind === kinds.tooLarge ? reader.number() : 0;
    const bytes = kind === kinds.tooLarge ? new Uint8Array() : reader.bytes();
    windows.push({ report, period, start, bytes, tooLarge, partial: kind === kinds.partial });
  }
  return { boot, revision, lineage, voids, marks, reports, windows };
}
