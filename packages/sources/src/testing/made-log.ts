/**
 * Made logs: a line for each of some requests as the program of a format would write it, varied as
 * the lines of real ones are. What reads logs fast must not be tuned to lines that are all alike.
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
  /** When the run began, of relative times. */
  readonly startMs: number;
  /** The moments that are counted, epoch ms, each of a message. */
  readonly times: readonly number[];
}

/** The log of these requests in a format, by its name. */
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
    // A blank, a cut and a foreign line here and there.
    if (index % 1_000 === 999) lines.push('', 'x', ...(form.others ?? []));
    times.push(form.counted(written).ms);
  }
  return { text: `${lines.join('\n')}\n`, lines: lines.length, startMs: firstMs, times };
}
