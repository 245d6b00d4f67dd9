/**
 * A message with windows of a node's reports, and the times up to which it has published everything.
 * docs/format.md draws the bytes. The subject is that of its seconds; the first byte tells the two
 * apart.
 *
 * A window is a whole accumulator, so a later one replaces it.
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

/** One node's window of a report. */
export interface WindowPart {
  /** The encoded accumulator; empty if it is too large for NATS. */
  readonly bytes: Uint8Array;
  /** Its size if it is too large; 0 otherwise. */
  readonly tooLarge: number;
  /** An earlier part of it was damaged in the node's store, so it is incomplete. */
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
  /** The last write of the node's store that the windows include. */
  readonly revision: number;
  /**
   * The first boot that published this folder. Two folders under one name counted different messages,
   * so their windows are merged.
   */
  readonly lineage: number;
  /** Windows from boots before this one are void; 0: none. */
  readonly voids: number;
  /** By period: windows before that are final, and in this message or an earlier one. */
  readonly marks: Readonly<Record<PeriodName, number>>;
  /** All reports of the node, if the message lists them. */
  readonly reports: readonly NodeReport[] | undefined;
  readonly windows: readonly PublishedWindow[];
}

export const noMarks: ReportMessage['marks'] = { ms10: 0, sec: 0, min: 0 };

/** Several times what a node puts into one message; no message inflates to more. */
const maxPlainBytes = 4 << 20;
/** More than a message has besides its windows, and a window besides its accumulator. */
export const headBytes = 512;
export const windowHeadBytes = 64;

/** Twice what a node puts into one message. Each may need a row in memory. */
const mostWindows = 8_192;

const kinds = { whole: 0, tooLarge: 1, partial: 2 } as const;

/** Whether the bytes look like a message of reports. */
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
    const { plain } = unpack(version, bytes, Buffer.from(node), { maxPlainBytes });
    return readBody(new VarintReader(plain));
  } catch (error) {
    throw new BadMessage(messageOf(error));
  }
}

function readBody(reader: VarintReader): ReportMessage {
  const [boot, revision] = [reader.number(), reader.number()];
  const [lineage, voids] = [reader.number(), reader.number()];
  const marks = { ms10: reader.number(), sec: reader.number(), min: reader.number() };
  const json = Buffer.from(reader.bytes()).toString();
  const reports = json === '' ? undefined : parseReports(JSON.parse(json));
  const windows: PublishedWindow[] = [];
  while (reader.more) {
    if (windows.length === mostWindows)
      throw new RangeError(`got more than ${mostWindows} windows`);
    const report = Buffer.from(reader.bytes()).toString('latin1');
    if (!reportName.test(report)) throw new RangeError('got an invalid name of a report');
    const period = periodNames[reader.number()];
    if (period === undefined) throw new RangeError('got an unknown period');
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
