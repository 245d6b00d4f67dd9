/**
 * Made logs: a line per request as the program of a format would write it, as varied as real lines.
 * Fast readers must not be tuned to lines that are all alike.
 */
import type { LogOptions } from '../plan.ts';
import { jsonLines } from './made-json.ts';
import { firstMs, type MadeRequest } from './made-request.ts';
import { resultLines } from './made-results.ts';
import { textLines } from './made-text.ts';
import { endOf, type Made, othersEvery } from './made-times.ts';
import { variants } from './made-variants.ts';

const made: Readonly<Record<string, Made>> = {
  ...textLines,
  ...jsonLines,
  ...resultLines,
  ...variants,
};

/** The formats, then other forms of them, and lines in wrappers. */
export const madeNames: readonly string[] = Object.keys(made);

/** As what a made log is read. */
interface MadeKind {
  readonly format: string;
  readonly wrapper: string | undefined;
  readonly options: LogOptions;
  /** See `Made`. */
  readonly alone: RegExp | undefined;
}

export interface MadeLog extends MadeKind {
  readonly text: string;
  readonly lines: number;
  /** When the run began, epoch ms. */
  readonly startMs: number;
  /** The counted moment of each message, epoch ms. */
  readonly times: readonly number[];
}

interface MadeLine {
  /** Without the last line feed. */
  readonly text: string;
  /** When its request counts, epoch ms; undefined if it has none. */
  readonly time?: number;
}

export function madeKind(name: string): MadeKind {
  const { format = name, wrapper, options = { startMs: firstMs }, alone } = formOf(name);
  return { format, wrapper, options, alone };
}

/** The lines of a log of these requests. */
export function* madeLines(name: string, requests: readonly MadeRequest[]): Generator<MadeLine> {
  const form = formOf(name);
  for (const text of form.header ?? []) yield { text };
  for (const [index, request] of requests.entries()) {
    const start = { ms: request.startMs, ns: request.startNs };
    const duration = { ms: request.durationMs, ns: request.durationNs };
    const written = { ...request, start, duration, end: endOf(request), index };
    yield { text: form.line(written), time: form.counted(written).ms };
    const next = index + 1;
    if (next % othersEvery === 0)
      for (const text of ['', 'x', ...(form.others?.(next) ?? [])]) yield { text };
  }
}

export function madeLog(name: string, requests: readonly MadeRequest[]): MadeLog {
  const lines = [...madeLines(name, requests)];
  const text = `${lines.map((line) => line.text).join('\n')}\n`;
  return {
    ...madeKind(name),
    text,
    lines: text.split('\n').length - 1,
    startMs: firstMs,
    times: lines.flatMap(({ time }) => time ?? []),
  };
}

function formOf(name: string): Made {
  const form = made[name];
  if (form === undefined) throw new Error(`BUG: no log ${name} can be made`);
  return form;
}
