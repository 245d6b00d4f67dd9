/**
 * Reads logs into counts: chunks → lines → (wrapper) → format → time → window.
 *
 * Every line is accounted for: lines = messages + skipped + known. Skipped lines are counted by
 * reason, with three examples. Known lines were counted before, up to the position of the log
 * (position.ts). Memory is bounded by window-counts.ts and one line of 1 MiB.
 */
import { commonMoment, type LogMoment, ms10, type Period, Reto3Error } from '@reto3/core';
import { type CountsView, countedOf, type SourcePosition } from '@reto3/engine';
import { ActiveTime, type Span } from './active-time.ts';
import type { Fit } from './detect.ts';
import { type Reason, Stamp } from './format.ts';
import { chunksOf, refuseArchive } from './input.ts';
import { LineCutter } from './line-cutter.ts';
import { durationText, type LogSummary } from './log-summary.ts';
import { viewOf } from './log-view.ts';
import {
  countedTime,
  type LogOptions,
  momentOf,
  onlyOf,
  type Plan,
  plannedBy,
  quickFitOf,
  sampleBytes,
  sampleOf,
  type Way,
  wayOf,
} from './plan.ts';
import { Request } from './request.ts';
import { SkippedLines } from './skipped-lines.ts';
import { unknownLog } from './unknown-log.ts';
import { WindowCounts } from './window-counts.ts';
import type { TakeLine } from './wrappers.ts';

export interface LogCounts {
  readonly logs: readonly LogSummary[];
  /** The coarsest of the logs. */
  readonly resolutionMs: number;
  /** Which moment of their requests is counted. */
  readonly moment: LogMoment | undefined;
  /** From the start of the first log to the end of the last, epoch ms. */
  readonly from: number;
  readonly to: number;
  /** How much time they cover; overlaps count several times. */
  readonly countedMs: number;
  /** @throws Reto3Error RETO3_NO_DATA if the clock is coarser than the period's windows */
  view(period: Period): CountsView;
}

/**
 * @param nowMs to recognise times in the future, epoch ms
 * @param note receives what the user should know before reading begins
 * @param visitor also receives the requests
 * @throws Reto3Error RETO3_BAD_FLAG, RETO3_LOG_UNREADABLE, RETO3_LOG_UNKNOWN, RETO3_NO_DATA
 */
export async function readLogs(
  names: readonly string[],
  options: LogOptions,
  nowMs: number,
  note: (line: string) => void,
  visitor?: MessageVisitor,
): Promise<LogCounts> {
  const counts = new WindowCounts();
  const reading = { ...readingOf(options, nowMs), visitor };
  const logs: LogSummary[] = [];
  for (const name of names) {
    const log = new Log(name, reading, counts);
    for await (const chunk of chunksOf(name, note)) log.write(chunk);
    logs.push(log.end());
  }
  const spans = logs.flatMap((log) => log.spans);
  const resolutionMs = Math.max(...logs.map((log) => log.resolutionMs));
  const moment = commonMoment(logs.map((log) => log.moment));
  return {
    logs,
    resolutionMs,
    moment,
    from: Math.min(...spans.map(({ from }) => from)),
    to: Math.max(...spans.map(({ to }) => to)),
    countedMs: spans.reduce((sum, { from, to }) => sum + to - from, 0),
    view(period) {
      if (resolutionMs <= period.windowMs) return { ...viewOf(counts, spans, period), moment };
      const name = logs.find((log) => log.resolutionMs === resolutionMs)?.name;
      throw new Reto3Error(
        'RETO3_NO_DATA',
        `the clock of ${name} ticks in ${durationText(resolutionMs)}, so it has no windows of ${durationText(period.windowMs)}`,
        { hint: 'ask for sec or min, or log the time in milliseconds' },
      );
    },
  };
}

export interface Reading extends Plan {
  readonly nowMs: number;
  readonly visitor?: MessageVisitor | undefined;
}

/** Receives the request of each message, which counting does not need. */
export interface MessageVisitor {
  /** It reads the user agent as well. */
  readonly takesAgent?: boolean;
  /**
   * @param ms the counted time, epoch ms
   * @param request valid until the call returns
   * @param durationMs undefined if the line has none
   */
  message(ms: number, request: Request, durationMs: number | undefined): void;
}

/** Keeps the messages of a log beside counting them (archive/keep.ts). */
export interface MessageKeeper extends MessageVisitor {
  /** Makes room for more messages. */
  settle(): Promise<void>;
  /** Puts the messages on the disk, so that they may be counted. */
  finish(): Promise<void>;
  /** The messages are counted. */
  release(): void;
  /** Forgets messages that were not released. */
  close(): void;
}

/** @throws Reto3Error RETO3_BAD_FLAG */
export function readingOf(options: LogOptions, nowMs: number): Reading {
  return { ...plannedBy(options), nowMs };
}

/** What follows the last line feed of a log. */
export interface LastLine {
  readonly messages: number;
  /** Of the last one, epoch ms. */
  readonly timeMs: number;
}

export class Log {
  readonly #name: string;
  readonly #reading: Reading;
  readonly #counts: WindowCounts;
  readonly #stamp = new Stamp();
  readonly #request: Request;
  /** Bytes read before the format was known. */
  #first: Buffer | undefined = Buffer.alloc(0);
  #fit: Fit | undefined;
  #way: Way = 'as stamped';
  #cutter: LineCutter | undefined;
  readonly #position: SourcePosition | undefined;
  /** New messages before this time were counted by an interrupted import, epoch ms. */
  readonly #through: number;
  /** Lines of the file; in a wrapper, one may contain several lines of the program, or none. */
  #fileLines = 0;
  #isOpenLine = false;
  #lines = 0;
  #messages = 0;
  #known = 0;
  #lastMs = 0;
  #digits = 0;
  readonly #active = new ActiveTime();
  #newestStamp = 0;
  #stepBackMs = 0;
  #future = 0;
  #withoutDuration = 0;
  /** Whether a time had no zone. */
  #isLocal = false;
  readonly #skipped = new SkippedLines();

  /** @param position how far the log was counted before */
  constructor(name: string, reading: Reading, counts: WindowCounts, position?: SourcePosition) {
    this.#name = name;
    this.#position = position;
    this.#through = position?.writing?.through ?? 0;
    if (position?.times !== undefined) this.#active.add(position.times.to);
    if (position?.openLine?.timeMs !== undefined) this.#active.add(position.openLine.timeMs);
    this.#reading = reading;
    this.#request = new Request(reading.visitor?.takesAgent === true);
    this.#counts = counts;
  }

  write(chunk: Buffer): void {
    if (this.#first === undefined) {
      this.#cutter?.write(chunk);
      return;
    }
    this.#first = Buffer.concat([this.#first, chunk]);
    if (this.#first.length >= sampleBytes) this.#begin();
  }

  /**
   * Detects the format from the start of the log, to continue with the bytes behind the position.
   * Returns false, without effect, if lines depend on those before them.
   * @throws Reto3Error RETO3_LOG_UNKNOWN
   */
  resume(begin: Buffer): boolean {
    const fit = this.#fitOf(begin);
    if (this.#position === undefined || fit.wrapper !== undefined || fit.format.isStateful === true)
      return false;
    this.#first = undefined;
    this.#open(fit);
    this.#lines = this.#known = this.#fileLines = this.#position.lines;
    return true;
  }

  /** Reads an unfinished last line as a line. @throws Reto3Error RETO3_LOG_UNKNOWN */
  endLines(): LastLine {
    if (this.#first !== undefined) this.#begin();
    const before = this.#messages + this.#known;
    this.#cutter?.end();
    return { messages: this.#messages + this.#known - before, timeMs: this.#lastMs };
  }

  get fileLines(): number {
    return this.#fit?.wrapper === undefined ? this.#lines : this.#fileLines;
  }

  /** @throws Reto3Error RETO3_LOG_UNKNOWN, RETO3_NO_DATA */
  end(): LogSummary {
    this.endLines();
    const fit = this.#fit;
    if (fit === undefined || this.#messages + this.#known === 0) throw this.#nothing();
    return {
      name: this.#name,
      format: fit.format,
      wrapper: fit.wrapper?.name,
      moment: momentOf(fit.format, this.#way),
      assumesUtc: this.#isLocal && !this.#reading.isZoneNamed,
      resolutionMs: 10 ** (3 - this.#digits),
      lines: this.#lines,
      messages: this.#messages,
      skipped: this.#lines - this.#messages - this.#known,
      known: this.#known,
      reasons: this.#skipped.reasons,
      examples: this.#skipped.examples,
      otherFormat: this.#skipped.otherFormat(fit.format, this.#reading.parser),
      spans: this.#spans(),
      times: this.#times(),
      withoutDuration: this.#withoutDuration,
      future: this.#future,
      stepBackMs: this.#stepBackMs,
    };
  }

  /** The newly covered time, including that between it and what was counted before. */
  #spans(): Span[] {
    const spans = this.#active.spans(this.#windowMs);
    const oldest = this.#position?.times?.from;
    if (oldest === undefined || (spans[0]?.from ?? oldest) >= oldest) return spans;
    this.#active.add(oldest);
    return this.#active.spans(this.#windowMs);
  }

  #times(): Span {
    const spans = this.#active.spans(1);
    return { from: spans[0]?.from ?? 0, to: (spans.at(-1)?.to ?? 1) - 1 };
  }

  /** The finest windows that this clock can fill. */
  get #windowMs(): number {
    return this.#digits >= 2 ? ms10.windowMs : 1_000;
  }

  #begin(): void {
    const first = this.#first ?? Buffer.alloc(0);
    this.#first = undefined;
    this.#open(this.#fitOf(first)).write(first);
  }

  /** @throws Reto3Error RETO3_LOG_UNKNOWN, RETO3_LOG_UNREADABLE, RETO3_BAD_FLAG */
  #fitOf(first: Buffer): Fit {
    refuseArchive(this.#name, first);
    const { candidates, parser: options } = this.#reading;
    const sample = sampleOf(first);
    // Any start will do to detect the format.
    const finding = { ...options, startMs: options.startMs ?? 0 };
    const fit = quickFitOf(sample, candidates, finding) ?? onlyOf(candidates);
    if (fit === undefined) throw unknownLog(this.#name, first, sample);
    const counted = this.#position && countedOf(this.#position).moment;
    this.#way = wayOf(this.#name, fit, this.#reading, counted);
    return fit;
  }

  #open(fit: Fit): LineCutter {
    this.#fit = fit;
    // Lines counted before are not read again.
    if (this.#position !== undefined) this.#digits = fit.digits;
    const { visitor } = this.#reading;
    const isDescribed = visitor !== undefined;
    const { zone, ...options } = this.#reading.parser;
    const toUtc = (localMs: number): number => {
      this.#isLocal = true;
      return zone.toUtc(localMs);
    };
    const parser = fit.format.parser({ ...options, zone: { ...zone, toUtc }, isDescribed });
    const line: TakeLine = (bytes, from, to) => {
      this.#lines++;
      const reason =
        from === to ? 'a blank line' : (parser.parse(bytes, from, to, this.#stamp) ?? this.#add());
      if (reason !== undefined) this.#skip(reason, bytes, from, to);
      else if (visitor !== undefined && !this.#isOpenLine) {
        const request = this.#request;
        request.clear();
        parser.describe(bytes, from, to, request);
        visitor.message(this.#lastMs, request, this.#durationMs);
      }
    };
    const knownLine: TakeLine = (bytes, from, to) => {
      this.#lines++;
      this.#known++;
      // Later lines may depend on it.
      if (from !== to) parser.parse(bytes, from, to, this.#stamp);
    };
    const inner = fit.wrapper?.open();
    const unwrapping =
      (take: TakeLine): TakeLine =>
      (bytes, from, to) => {
        if (inner === undefined) take(bytes, from, to);
        else {
          this.#fileLines++;
          const reason = inner.unwrap(bytes, from, to, take);
          if (reason === undefined) return;
          this.#lines++;
          if (take === knownLine) this.#known++;
          else this.#skip(from === to ? 'a blank line' : reason, bytes, from, to);
        }
      };
    const takeNew = inner === undefined ? line : unwrapping(line);
    this.#cutter = new LineCutter(
      this.#position === undefined
        ? takeNew
        : this.#behind(this.#position, unwrapping(knownLine), takeNew),
      () => {
        this.#lines++;
        this.#fileLines++;
        if (this.fileLines <= (this.#position?.lines ?? 0)) this.#known++;
        else this.#skip('a length of more than 1 MiB', Buffer.alloc(0), 0, 0);
      },
    );
    return this.#cutter;
  }

  /** Separates lines counted before from new ones. */
  #behind({ lines, openLine }: SourcePosition, known: TakeLine, takeNew: TakeLine): TakeLine {
    return (bytes, from, to) => {
      const before = this.fileLines;
      if (before < lines) known(bytes, from, to);
      else {
        this.#isOpenLine = before === lines && openLine?.timeMs !== undefined;
        takeNew(bytes, from, to);
        this.#isOpenLine = false;
      }
    };
  }

  /** Counts the message in the stamp; returns why it cannot. */
  #add(): Reason | undefined {
    const { time } = this.#stamp;
    const ms = countedTime(this.#stamp, this.#way);
    if (typeof ms !== 'number') return ms;
    this.#active.add(ms);
    this.#lastMs = ms;
    if (ms < this.#through) {
      this.#known++;
      return undefined;
    }
    this.#counts.add(ms);
    if (this.#isOpenLine) this.#known++;
    else this.#messages++;
    if (ms > this.#reading.nowMs) this.#future++;
    if (this.#way !== 'as stamped' && !this.#stamp.hasDuration) this.#withoutDuration++;
    if (time.digits > this.#digits) this.#digits = time.digits;
    if (time.ms >= this.#newestStamp) this.#newestStamp = time.ms;
    else if (this.#newestStamp - time.ms > this.#stepBackMs)
      this.#stepBackMs = this.#newestStamp - time.ms;
    return undefined;
  }

  get #durationMs(): number | undefined {
    const { duration, hasDuration } = this.#stamp;
    return hasDuration ? duration.ms + duration.ns / 1_000_000 : undefined;
  }

  #skip(reason: Reason, bytes: Uint8Array, from: number, to: number): void {
    this.#skipped.add(this.#lines, reason, bytes, from, to);
  }

  #nothing(): Reto3Error {
    const [example] = this.#skipped.examples;
    const title = this.#fit?.format.title ?? 'that format';
    const where = example === undefined ? '' : `; line ${example.line} has ${example.reason}`;
    const message = `${this.#name} has no request in ${title}${where}`;
    return new Reto3Error('RETO3_LOG_UNKNOWN', message);
  }
}
