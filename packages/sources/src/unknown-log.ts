/** What to say of a log that has no known format. */
import { Reto3Error } from '@reto3/core';
import type { Sample } from './detect.ts';
import { exampleOf } from './examples.ts';
import { otherOutputOf } from './other-outputs.ts';
import { sampleBytes } from './plan.ts';

/** @param first the first bytes of the log, up to `sampleBytes` or its end */
export function unknownLog(name: string, first: Buffer, sample: Sample): Reto3Error {
  const line = sample.find((each) => each.length > 0);
  if (line === undefined && first.length < sampleBytes)
    return new Reto3Error('RETO3_NO_DATA', `${name} is empty`, {
      hint: 'name a log with at least one request',
    });
  const other = otherOutputOf(first);
  if (other !== undefined)
    return new Reto3Error('RETO3_LOG_UNKNOWN', `cannot count ${name}: it is ${other.what}`, {
      hint: other.hint,
    });
  if (first.includes(0))
    return new Reto3Error('RETO3_LOG_UNREADABLE', `cannot read ${name}: it is no text`, {
      hint: 'name a log of text, plain or compressed with gzip, zstd or Brotli',
    });
  const example = line === undefined ? '' : `; it begins with ${exampleOf(line, 0, line.length)}`;
  const message = `${name} has no known format${example}`;
  const filter = line && filterOf(line);
  return new Reto3Error(
    'RETO3_LOG_UNKNOWN',
    message,
    filter === undefined
      ? undefined
      : { hint: `write one object a line: run jq -c '${filter}' ${name} | reto3 … --log -` },
  );
}

/** How jq gets the objects of JSON that has not one a line, by its first line. */
function filterOf(line: Uint8Array): string | undefined {
  const text = Buffer.from(line).toString('latin1').trim();
  if (text === '[' || text.startsWith('[{')) return '.[]';
  const list = /^\{\s*"(records)"\s*:\s*\[/i.exec(text)?.[1];
  if (list !== undefined) return `.${list}[]`;
  return text === '{' ? '.' : undefined;
}
