import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { min, ms10, type Period, sec, timeText } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { answer } from '@reto3/engine';
import { afterAll, describe, expect, test } from 'vitest';
import type { LogOptions } from './plan.ts';
import { type LogCounts, readLogs } from './read-log.ts';
import { summaryLines } from './summary-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-sources-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array, suffix = '.log', encoding?: BufferEncoding): string {
  const name = join(folder, `${files++}${suffix}`);
  writeFileSync(name, content, encoding);
  return name;
}

const nowMs = Date.parse('2026-01-01T00:00:00Z');

function read(name: string | readonly string[], options: LogOptions = {}): Promise<LogCounts> {
  return readLogs([name].flat(), options, nowMs, () => undefined);
}

/** All windows as text. */
async function windowsOf(counts: LogCounts, period: Period): Promise<string[]> {
  const view = counts.view(period);
  const { pieces } = await answer(view, { period, format: 'text', from: '0' }, nowMs);
  let text = '';
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text.trimEnd().split('\n');
}

/** nginx lines that end at these times after 2016-05-28 11:11:11, each after 5 ms. */
function lines(...atMs: readonly number[]): string {
  return atMs
    .map((ms) => {
      const at = Date.parse('2016-05-28T11:11:11Z') + ms;
      return `192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1 "-" "-" ${Math.floor(at / 1_000)}.${String(at % 1_000).padStart(3, '0')} 0.005\n`;
    })
    .join('');
}

describe('readLogs', () => {
  test('counts by the start, or by the end where that is asked for', async () => {
    const name = file(lines(12, 14, 15, 31));
    const byStart = await read(name);
    expect(byStart.logs[0]).toMatchObject({ moment: 'start', resolutionMs: 1, messages: 4 });
    expect(await windowsOf(byStart, ms10)).toEqual([
      '2016-05-28 11:11:11.000, 2',
      '2016-05-28 11:11:11.010, 1',
      '2016-05-28 11:11:11.020, 1',
    ]);
    const byEnd = await read(name, { at: 'end' });
    expect(byEnd.logs[0]?.moment).toBe('end');
    expect(await windowsOf(byEnd, ms10)).toEqual([
      '2016-05-28 11:11:11.010, 3',
      '2016-05-28 11:11:11.020, 0',
      '2016-05-28 11:11:11.030, 1',
    ]);
  });

  test('has the same messages in each period, and gaps between logs', async () => {
    const counts = await read([file(lines(10, 5_000)), file(lines(7_200_000, 61_000, 62_000))]);
    for (const period of [ms10, sec, min]) {
      const windows = await windowsOf(counts, period);
      const total = windows.reduce((sum, line) => sum + Number(line.split(', ')[1]), 0);
      expect(total).toBe(5);
    }
    const starts = (await windowsOf(counts, sec)).map((line) => line.split(', ')[0]);
    expect(starts).toContain('2016-05-28 11:11:15.000');
    expect(starts).not.toContain('2016-05-28 11:11:30.000');
    expect(starts).toContain('2016-05-28 12:00:00.000');
  });

  test('has seconds and minutes only of a clock that ticks in seconds', async () => {
    const counts = await read(
      file('192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1\n'.repeat(3)),
    );
    expect(await windowsOf(counts, sec)).toEqual(['2016-05-28 11:11:11.000, 3']);
    expect(() => counts.view(ms10)).toThrow(/ticks in 1 s, so it has no windows of 10 ms/);
  });

  test('reads gzip of several parts, Brotli, CRLF, a mark in front and Latin-1 alike', async () => {
    const text = lines(1, 2, 3);
    const wanted = await windowsOf(await read(file(text)), ms10);
    const half = lines(1).length;
    const latin1 = Buffer.from(text.replaceAll('"-" "-"', '"-" "\xe9\xff"'), 'latin1');
    for (const name of [
      file(gzipSync(text), '.gz'),
      file(gzipSync(text), '.log'),
      file(Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))])),
      file(brotliCompressSync(text), '.br'),
      file(`\ufeff${text.replaceAll('\n', '\r\n')}`),
      file(latin1),
      file(text.trimEnd()),
    ])
      expect(await windowsOf(await read(name), ms10)).toEqual(wanted);
  });

  test('reads a pipe, and says so', async () => {
    const name = join(folder, 'fifo');
    execFileSync('mkfifo', [name]);
    const notes: string[] = [];
    const reading = readLogs([name], {}, nowMs, (note) => notes.push(note));
    const { promises } = await import('node:fs');
    await promises.writeFile(name, lines(1, 2));
    expect((await reading).logs[0]?.messages).toBe(2);
    expect(notes).toEqual([`${name} is a pipe: reading until its writer closes it`]);
  });

  test('accounts for every line', async () => {
    const text = `\n# Fields\n${lines(1)}2016/05/28 11:11:11 [error] 1#1: *1 x\n${lines(2).slice(0, 60)}\n${lines(3)}`;
    const { logs } = await read(file(text));
    expect(logs[0]).toMatchObject({ lines: 6, messages: 2, skipped: 4 });
    expect([...(logs[0]?.reasons ?? [])]).toEqual([
      ['a blank line', 1],
      ['no request of this format', 2],
      ['no time that can be read', 1],
    ]);
    expect(logs[0]?.examples.map(({ line }) => line)).toEqual([2, 4, 5]);
  });

  test.each([
    ['28/May/2016:11:11:11.123', undefined, true],
    ['28/May/2016:11:11:11.123', 'UTC', false],
    ['28/May/2016:11:11:11.123 +0200', undefined, false],
  ])('says that it reads [%s] in the zone %s as UTC: %s', async (time, zone, assumed) => {
    const line = `192.0.2.7 - - [${time}] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"\n`;
    const { logs } = await read(file(line), { zone });
    const text = logs.flatMap(summaryLines).join('\n');
    expect(text.includes('its times name no zone, and are read as UTC')).toBe(assumed);
  });

  test('names the second format of a log, times in the future and steps back', async () => {
    const json = '{"msec":"1464433871.123","request":"GET / HTTP/1.1","status":"200"}\n';
    const late = lines(Date.parse('2030-01-01T00:00:00Z') - Date.parse('2016-05-28T11:11:11Z'));
    const { logs } = await read(file(lines(1, 2, 3, 4) + json + late + lines(5)));
    const [log] = logs;
    expect(log).toMatchObject({ messages: 6, skipped: 1, future: 1 });
    const text = log && summaryLines(log).join('\n');
    expect(text).toContain('has two formats; lines in the other (nginx, JSON');
    expect(text).toContain('1 message lies in the future');
    expect(text).toContain('is silent for more than a day in 1 place');
    expect(text).toContain('its times step back by up to');
  });

  test.each([
    ['an empty file', () => file(''), 'RETO3_NO_DATA', 'is empty'],
    ['blank lines', () => file('\n\n\n'), 'RETO3_NO_DATA', 'is empty'],
    ['a folder', () => folder, 'RETO3_LOG_UNREADABLE', 'it is a folder'],
    ['no file', () => join(folder, 'none'), 'RETO3_LOG_UNREADABLE', 'there is no such file'],
    ['bytes', () => file(Buffer.alloc(9_000, '\0\x01\x02\n')), 'RETO3_LOG_UNREADABLE', 'no text'],
    [
      'other text',
      () => file('to be\nor not\n'),
      'RETO3_LOG_UNKNOWN',
      'no known format; it begins with to be',
    ],
    ['xz', () => file(Buffer.from('\xfd7zXZ\0', 'latin1')), 'RETO3_LOG_UNREADABLE', 'it is xz'],
    ['UTF-16', () => file('\ufeffx', '.log', 'utf16le'), 'RETO3_LOG_UNREADABLE', 'it is UTF-16'],
    [
      'gzip cut off',
      () => file(gzipSync(lines(1, 2, 3)).subarray(0, -9)),
      'RETO3_LOG_UNREADABLE',
      'ends in the middle',
    ],
    [
      'damaged gzip',
      () => file(Buffer.concat([gzipSync('x').subarray(0, 10), Buffer.alloc(50, 7)])),
      'RETO3_LOG_UNREADABLE',
      'damaged',
    ],
    [
      'damaged Brotli',
      () => file(brotliCompressSync(lines(1)).fill(0xff, 9, 20), '.br'),
      'RETO3_LOG_UNREADABLE',
      'damaged',
    ],
    [
      'Brotli with more behind it',
      () => file(Buffer.concat([1, 2].map((ms) => brotliCompressSync(lines(ms)))), '.br'),
      'RETO3_LOG_UNREADABLE',
      'its compressed data ends before the file does',
    ],
  ])('refuses %s', async (_, name, code, message) => {
    await expect(read(name())).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('takes no text for an archive', async () => {
    const start = '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /'.padEnd(257, 'a');
    const [log] = (await read(file(`${start}ustar HTTP/1.1" 200 612\n`))).logs;
    expect(log).toMatchObject({ messages: 1, skipped: 0 });
  });

  test('names the command that decodes a log, unpacks it or splits JSON into lines', async () => {
    const xz = file(Buffer.from('\xfd7zXZ\0', 'latin1'), '.xz');
    await expect(read(xz)).rejects.toMatchObject({ hint: `run xz -dc ${xz} | reto3 … --log -` });
    const tar = Buffer.concat([Buffer.alloc(512), Buffer.from(lines(1, 2, 3))]);
    tar.write('access.log');
    tar.write('ustar', 257);
    const archive = file(gzipSync(tar), '.tar.gz');
    await expect(read(archive)).rejects.toMatchObject({
      code: 'RETO3_LOG_UNREADABLE',
      message: expect.stringContaining('it is a tar archive'),
      hint: `run tar -xOf ${archive} | reto3 … --log -`,
    });
    const objects: readonly (readonly [text: string, filter: string])[] = [
      ['[\n  {\n    "status": 200\n  }\n]\n', '.[]'],
      ['[{"status":200},{"status":200}]\n', '.[]'],
      ['{"records":[{"status":200}]}\n', '.records[]'],
      ['{\n  "status": 200\n}\n{\n}\n', '.'],
    ];
    for (const [text, filter] of objects) {
      const name = file(text);
      await expect(read(name)).rejects.toMatchObject({
        code: 'RETO3_LOG_UNKNOWN',
        hint: `write one object a line: run jq -c '${filter}' ${name} | reto3 … --log -`,
      });
    }
  });

  test('counts a line behind the sample that has no duration, by its end', async () => {
    const line = (index: number, more: string): string =>
      `{"level":30,"time":${Date.parse('2016-05-28T11:11:11Z') + index},"res":{"statusCode":200}${more}}\n`;
    const many = Array.from({ length: 1_000 }, (_, index) => line(index, ',"responseTime":5'));
    const { logs } = await read(file(many.join('') + line(2_000, '')));
    const [log] = logs;
    expect(log).toMatchObject({ moment: 'start', messages: 1_001, withoutDuration: 1 });
    expect(log?.times).toEqual({
      from: Date.parse('2016-05-28T11:11:10.995Z'),
      to: Date.parse('2016-05-28T11:11:13Z'),
    });
    expect(log && summaryLines(log).join('\n')).toContain(
      '1 message without a duration, counted by the end',
    );
  });

  test('does not judge by a line that the sample cuts', async () => {
    const line = (ms: number): string =>
      `time:28/May/2016:11:11:11 +0000\tmsec:1464433871.${ms}\treq:GET / HTTP/1.1\tua:${'x'.repeat(1_900)}\treqtime:0.005\n`;
    const text = Array.from({ length: 200 }, (_, index) => line(100 + index)).join('');
    const { logs } = await read(file(text));
    expect(logs[0]).toMatchObject({ format: { name: 'ltsv' }, moment: 'start', messages: 200 });
  });

  test('reads IIS without a header where that is named', async () => {
    const name = file('2016-05-28 11:11:11 198.51.100.2 GET / - 443 200 15\n'.repeat(2));
    await expect(read(name)).rejects.toMatchObject({ code: 'RETO3_LOG_UNKNOWN' });
    const counts = await read(name, { format: 'iis' });
    expect(await windowsOf(counts, sec)).toEqual(['2016-05-28 11:11:11.000, 2']);
    const none = file('198.51.100.2 GET / - 443 200 15\n');
    await expect(read(none, { format: 'iis' })).rejects.toThrow(/line 1 has no header above it/);
  });

  test.each([
    ['seconds', 'Timestamp,Model\n0.5,A\n0.513,A\n12,B\n', '^(?<time>[^,]+),', undefined],
    [
      'milliseconds',
      '{"timestamp": 500}\n{"timestamp": 513}\n{"timestamp": 12000}\n',
      '"timestamp": (?<time>\\d+)',
      '%Q',
    ],
  ])('counts a trace in %s since its start', async (_, text, pattern, timeFormat) => {
    const startMs = Date.parse('2016-05-28T11:11:11Z');
    const trace = file(text);
    const counts = await read(trace, { pattern, timeFormat, startMs });
    expect(counts).toMatchObject({ resolutionMs: 1, from: startMs + 500, to: startMs + 12_010 });
    expect((await windowsOf(counts, ms10)).slice(0, 2)).toEqual([
      '2016-05-28 11:11:11.500, 1',
      '2016-05-28 11:11:11.510, 1',
    ]);
    await expect(read(trace, { pattern, timeFormat })).rejects.toThrow(/no time that can be read/);
  });

  test.each([
    [{ format: 'nginxx' }, 'there is no log format "nginxx"'],
    [{ at: 'middle' }, 'got --at "middle"'],
    [{ pattern: '(' }, 'got an invalid --pattern'],
    [{ pattern: 'x' }, 'without a group named time'],
    [{ pattern: '(?<time>x)', format: 'nginx' }, 'want one of them'],
    [{ timeFormat: '%s' }, 'without --pattern'],
    [{ zone: 'Nowhere' }, 'want a time zone'],
  ])('refuses the options %o', async (options, message) => {
    await expect(read(file(lines(1)), options)).rejects.toMatchObject({
      code: 'RETO3_BAD_FLAG',
      message: expect.stringContaining(message),
    });
  });

  test('refuses a moment that cannot be known', async () => {
    const combined = file('192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1\n');
    await expect(read(combined, { at: 'start' })).rejects.toThrow(
      /logs the end, and its clock ticks/,
    );
    const withoutDuration = file(lines(1).replace(' 0.005', ''));
    await expect(read(withoutDuration, { at: 'start' })).rejects.toThrow(
      /not every line has a duration/,
    );
  });

  test('needs the start of a run whose times count from there', async () => {
    const hey = file(
      'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n0.0087,0,0,0,0,0,200,0.0016\n',
    );
    await expect(read(hey)).rejects.toThrow(/count from the start of the run/);
    const startMs = Date.parse('2016-05-28T11:11:11Z');
    expect(await windowsOf(await read(hey, { startMs }), ms10)).toEqual([
      '2016-05-28 11:11:11.000, 1',
    ]);
  });

  test('reads any text log by a pattern', async () => {
    const name = file(
      '11:11:11.123 28.05.2016 "took" 12ms\n11:11:11.129 28.05.2016 "took" 1ms\nnoise\n',
    );
    const counts = await read(name, {
      pattern: '^(?<time>\\S+ \\S+) \\"took\\" (?<duration>\\S+)$',
      timeFormat: '%H:%M:%S.%f %d.%m.%Y',
      zone: '+02:00',
    });
    expect(counts.logs[0]).toMatchObject({ moment: 'start', messages: 2, skipped: 1 });
    expect(await windowsOf(counts, ms10)).toEqual([
      '2016-05-28 09:11:11.110, 1',
      '2016-05-28 09:11:11.120, 1',
    ]);
  });

  test('reads 200,000 lines out of order, as another way of counting does', async () => {
    const random = new Random(1);
    const wanted = new Map<string, number>();
    const at: number[] = [];
    for (let index = 0; index < 200_000; index++) {
      const ms = random.below(7_200_000);
      at.push(ms);
      const start = Date.parse('2016-05-28T11:11:11Z') + ms - 5;
      const window = timeText(start - (start % 10));
      wanted.set(window, (wanted.get(window) ?? 0) + 1);
    }
    const counts = await read(file(at.map((ms) => lines(ms)).join('')));
    const found = (await windowsOf(counts, ms10)).map((line) => line.split(', '));
    expect(
      new Map(
        found
          .filter(([, count]) => count !== '0')
          .map(([start = '', count]) => [start, Number(count)]),
      ),
    ).toEqual(new Map([...wanted].sort(([a], [b]) => (a < b ? -1 : 1))));
  });
});
