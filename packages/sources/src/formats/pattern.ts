/**
 * Any other text log, as `--pattern` describes it: a regular expression with a group `time`, and
 * `duration` where the line has one (seconds, or with its unit, such as 12ms); `method`, `path`,
 * `status`, `host`, `client` and `agent` say what it asked for.
 *
 * `time` is a number since the epoch, ISO 8601 or NCSA's date, or has the form of `--time-format`.
 * The stamp is taken for the end of the request.
 */
import { messageOf, Reto3Error } from '@reto3/core';
import type { LogFormat, ParserOptions } from '../format.ts';
import { type Part, parts, setPart } from '../request.ts';
import { readAnyTime, readDuration } from '../time/any-time.ts';
import { parseTimeFormat, type ReadTimeText } from '../time/time-format.ts';

const longestField = 256;
/** Their groups. */
const groupsOf: Partial<Readonly<Record<Part, string>>> = {
  method: 'method',
  target: 'path',
  status: 'status',
  host: 'host',
  client: 'client',
  agent: 'agent',
};

/** @throws Reto3Error RETO3_BAD_FLAG */
export function patternFormat(pattern: string, timeFormat: string | undefined): LogFormat {
  const regex = regexOf(pattern);
  const readText = timeFormat === undefined ? undefined : parseTimeFormat(timeFormat);
  return {
    name: 'pattern',
    title: 'the text of --pattern',
    example: pattern,
    resolution: 'as its times have it',
    moment: 'end',
    parser: (options) => patternParser(regex, readText, options),
  };
}

function regexOf(pattern: string): RegExp {
  let regex: RegExp;
  try {
    regex = new RegExp(pattern);
  } catch (cause) {
    throw new Reto3Error(
      'RETO3_BAD_FLAG',
      `got a --pattern that cannot be read: ${messageOf(cause)}`,
      {
        cause,
        hint: 'write a regular expression of JavaScript',
      },
    );
  }
  if (pattern.includes('(?<time>')) return regex;
  throw new Reto3Error('RETO3_BAD_FLAG', 'got a --pattern without a group time, want one', {
    hint: "as in '^(?<time>\\S+) (?<status>\\d+)'",
  });
}

function patternParser(
  regex: RegExp,
  readText: ReadTimeText | undefined,
  { zone }: ParserOptions,
): ReturnType<LogFormat['parser']> {
  const scratch = Buffer.alloc(longestField);
  let groups: Readonly<Record<string, string>> | undefined;
  return {
    describe(_bytes, _from, _to, request) {
      for (const part of parts) {
        const text = groups?.[groupsOf[part] ?? ''];
        if (text === undefined) continue;
        const value = Buffer.from(text);
        setPart(request, part, value, 0, value.length);
      }
    },
    parse(bytes, from, to, stamp) {
      groups = regex.exec(
        Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString(),
      )?.groups;
      if (groups === undefined) return 'no request of this format';
      const time = groups['time'] ?? '';
      const isTime =
        readText === undefined
          ? readAnyTime(scratch, 0, scratch.write(time, 'latin1'), stamp.time, zone)
          : readText(time, stamp.time, zone);
      if (!isTime) return 'no time that can be read';
      const duration = groups['duration'];
      stamp.hasDuration =
        duration !== undefined &&
        readDuration(scratch, 0, scratch.write(duration, 'latin1'), stamp.duration);
      return undefined;
    },
  };
}
