/**
 * Any other text log, described by `--pattern`: a regular expression with a group `time`, possibly
 * `duration` (seconds, or with a unit, such as 12ms), and `method`, `path`, `status`, `host`,
 * `client` and `agent` for the request.
 *
 * `time` is a number since the epoch, ISO 8601, NCSA's date, or in the form of `--time-format`; with
 * `--start`, a number of seconds since then, or as `--time-format` says. It is taken for the end of
 * the request.
 */
import { messageOf, Reto3Error } from '@reto3/core';
import type { LogFormat } from '../format.ts';
import { type Part, parts, setPart } from '../request.ts';
import { readAnyTime, readDuration } from '../time/any-time.ts';
import { parseTimeFormat, type ReadTimeText } from '../time/time-format.ts';
import type { Zone } from '../time/zone.ts';

const longestField = 256;
/** The groups for the parts of a request. */
const groupsOf: Partial<Readonly<Record<Part, string>>> = {
  method: 'method',
  target: 'path',
  status: 'status',
  host: 'host',
  client: 'client',
  agent: 'agent',
};

/**
 * @param isRelative times count from `startMs` of the parser's options
 * @throws Reto3Error RETO3_BAD_FLAG
 */
export function patternFormat(
  pattern: string,
  timeFormat: string | undefined,
  isRelative = false,
): LogFormat {
  const regex = regexOf(pattern);
  const format = timeFormat ?? (isRelative ? '%s' : undefined);
  const readText = format === undefined ? undefined : parseTimeFormat(format, isRelative);
  return {
    name: 'pattern',
    title: 'the text of --pattern',
    example: pattern,
    resolution: 'that of its times',
    moment: 'end',
    isWholeLine: true,
    isRelative,
    parser: ({ zone, startMs = 0 }) =>
      patternParser(regex, readText, zone, isRelative ? startMs : 0),
  };
}

function regexOf(pattern: string): RegExp {
  let regex: RegExp;
  try {
    regex = new RegExp(pattern);
  } catch (cause) {
    throw new Reto3Error('RETO3_BAD_FLAG', `got an invalid --pattern: ${messageOf(cause)}`, {
      cause,
      hint: "use the syntax of JavaScript's regular expressions",
    });
  }
  if (pattern.includes('(?<time>')) return regex;
  throw new Reto3Error('RETO3_BAD_FLAG', 'got a --pattern without a group named time', {
    hint: "add one, as in '^(?<time>\\S+) (?<status>\\d+)'",
  });
}

function patternParser(
  regex: RegExp,
  readText: ReadTimeText | undefined,
  zone: Zone,
  startMs: number,
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
      stamp.time.ms += startMs;
      const duration = groups['duration'];
      stamp.hasDuration =
        duration !== undefined &&
        readDuration(scratch, 0, scratch.write(duration, 'latin1'), stamp.duration);
      return undefined;
    },
  };
}
