/**
 * Made logs: a line per request as the program of a format would write it, as varied as real lines.
 * Fast readers must not be tuned to lines that are all alike.
 */
import { jsonLines } from './made-json.ts';
import { firstMs, type MadeRequest } from './made-request.ts';
import { resultLines } from './made-results.ts';
import { textLines } from './made-text.ts';
import { endOf, type Made } from './made-times.ts';

const made: Readonly<Record<string, Made>> = { ...textLines, ...jsonLines, ...resultLines };

export interface MadeLog {
  readonly text: string;
  readonly lines: number;
  /** When the run began, for relative times. */
  readonly startMs: number;
  /** The counted moment of each message, epoch ms. */
  readonly times: readonly number[];
}

/** The log of these requests in a format. */
export function madeLog(format: string, requests: readonly MadeRequest[]): MadeLog {
  const form = made[format];
  if (form === undefined) throw new Error(`BUG: no log of format ${format} can be made`);
  const lines = [...(form.header ?? [])];
  const times: number[] = [];
  for (const [index, request] of requests.entries()) {
    const start = { ms: request.startMs, ns: request.startNs };
    const duration = { ms: request.durationMs, ns: request.durationNs };
    const written = { ...request, start, duration, end: endOf(request), index };
    lines.push(form.line(written));
    // Here and there a blank, a truncated and a foreign line.
    if (index % 1_000 === 999) lines.push('', 'x', ...(form.others ?? []));
    times.push(form.counted(written).ms);
  }
  return { text: `${lines.join('\n')}\n`, lines: lines.length, startMs: firstMs, times };
}
