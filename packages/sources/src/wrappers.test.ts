import { describe, expect, test } from 'vitest';
import { wrappers } from './wrappers.ts';

/** The lines inside of some lines, and why others have none. */
function unwrapped(name: string, lines: readonly string[]): string[] {
  const wrapper = wrappers.find((each) => each?.name === name)?.open();
  const found: string[] = [];
  for (const line of lines) {
    const bytes = Buffer.from(`x${line}x`);
    const reason = wrapper?.unwrap(bytes, 1, bytes.length - 1, (inner, from, to) =>
      found.push(Buffer.from(inner.subarray(from, to)).toString()),
    );
    if (reason !== undefined) found.push(`! ${reason}`);
  }
  return found;
}

const json = (log: string): string => JSON.stringify({ log, stream: 'stdout', time: 'now' });

describe.each([
  [
    'CRI',
    [
      ['2016-10-06T00:17:09.669794202Z stdout F GET /', ['GET /']],
      ['2016-10-06T00:17:09.669794202+01:00 stderr P first, ', ['! part of a longer line']],
      ['2016-10-06T00:17:10Z stderr F second', ['first, second']],
      ['GET /', ['! no request of this format']],
      ['2016-10-06T00:17:09.669794202Z stdin F GET /', ['! no request of this format']],
    ],
  ],
  [
    'Docker',
    [
      [json('GET / "\\" \t é\n'), ['GET / "\\" \t é']],
      [json('a\u0001b\n'), ['a\u0001b']],
      [json('first, '), ['! part of a longer line']],
      [json('second\n'), ['first, second']],
      ['{"level":"info"}', ['! no request of this format']],
    ],
  ],
  [
    'syslog',
    [
      ['Feb 25 16:19:49 lb haproxy[7]: GET /', ['GET /']],
      ['<190>Feb  5 16:19:49 nginx: GET / a: b', ['GET / a: b']],
      ['2016-05-28T11:11:11.123456+00:00 lb nginx: GET /', ['GET /']],
      ['<165>1 2016-05-28T11:11:11.003Z host app 1 ID47 - GET /', ['GET /']],
      ['<165>1 2016-05-28T11:11:11.003Z host app 1 - [a@1 b="c d"][e f="g"] GET /', ['GET /']],
      ['<165>1 2016-05-28T11:11:11.003Z host app 1 - - \ufeffGET /', ['GET /']],
      ['GET / HTTP/1.1: x', ['! no request of this format']],
    ],
  ],
  [
    'lines with timestamps',
    [
      ['2016-05-28T11:11:11.123456789Z GET / a: b', ['GET / a: b']],
      ['2016-05-28T11:11:11+02:00 GET /', ['GET /']],
      ['2016-05-28 GET /', ['! no request of this format']],
      ['GET /', ['! no request of this format']],
    ],
  ],
  [
    'JSON messages',
    [
      ['{"@timestamp":"now","log":{"offset":1},"message":"GET / \\"x\\""}', ['GET / "x"']],
      ['{"__CURSOR":"s=1","MESSAGE":"GET /","PRIORITY":"6"}', ['GET /']],
      ['{"date":1464433871.12,"log":"GET /\\n"}', ['GET /']],
      ['{"textPayload":"GET /\\n","severity":"INFO"}', ['GET /']],
      ['{"msg":"GET /"}', ['! no request of this format']],
      ['GET /', ['! no request of this format']],
    ],
  ],
  [
    'docker compose',
    [
      ['web-1  | GET /', ['GET /']],
      ['\u001b[36mweb-1  | \u001b[0mGET /', ['GET /']],
      ['GET /a|b', ['! no request of this format']],
    ],
  ],
  [
    'OTLP',
    [
      [
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"a":1},{"b":2}]}]},{"scopeLogs":[]}]}',
        ['{"a":1}', '{"b":2}'],
      ],
      ['{"resourceLogs":[]}', ['! a header or comment']],
      ['{"resourceLogs":[', ['! no request of this format']],
    ],
  ],
] as const)('%s', (name, cases) => {
  test('hands on the lines inside', () => {
    const lines = cases.map(([line]) => line);
    expect(unwrapped(name, lines)).toEqual(cases.flatMap(([, wanted]) => [...wanted]));
  });
});
