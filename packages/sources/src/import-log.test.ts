/** Imports into real folders: what they hold is held against what a reading of the log alone counts. */
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { alignDown, type Period, periods, timeText, totalOf } from '@reto3/core';
import {
  audit,
  type CountsView,
  DataFolder,
  FolderWriter,
  HeldFolder,
  readChunks,
} from '@reto3/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { importLog } from './import-log.ts';
import type { LogSummary } from './log-summary.ts';
import type { LogOptions } from './plan.ts';
import { readingOf, readLogs } from './read-log.ts';
import { summaryLines } from './summary-text.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const nowMs = startMs + 365 * 24 * 3_600_000;
const quiet = { note: () => undefined, read: () => undefined };

/** nginx with `$msec`: a line each `everyMs`, but for a little. */
function lines(from: number, to: number, everyMs = 37): string {
  let text = '';
  for (let line = from; line < to; line++) {
    const ms = startMs + line * everyMs + ((line * 7_919) % 30);
    text += `192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /${line} HTTP/1.1" 200 12 "-" "curl" ${(ms / 1_000).toFixed(3)}\n`;
  }
  return text;
}

/** The same in seconds only: NCSA combined. */
function coarseLines(from: number, to: number, everyMs = 37): string {
  let text = '';
  for (let line = from; line < to; line++) {
    const [, time] = timeText(startMs + line * everyMs).split(' ');
    text += `192.0.2.7 - - [28/May/2016:${time?.slice(0, 8)} +0000] "GET /${line} HTTP/1.1" 200 12\n`;
  }
  return text;
}

describe('importLog', () => {
  let place: string;
  let folder: string;
  let log: string;

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'reto3-import-'));
    folder = join(place, 'data');
    log = join(place, 'access.log');
  });

  afterEach(async () => {
    await rm(place, { recursive: true });
  });

  async function run(name = log, options: LogOptions = {}): Promise<LogSummary> {
    const writer = await FolderWriter.open(folder);
    try {
      return await importLog(name, readingOf(options, nowMs), writer, quiet);
    } finally {
      await writer.close();
    }
  }

  const expectSameAs = (...names: string[]): Promise<void> => expectSame({}, ...names);

  /** The folder counts what these logs have, in every period, and an audit holds. */
  async function expectSame(options: LogOptions, ...names: string[]): Promise<void> {
    const wanted = await readLogs(names, options, nowMs, () => undefined);
    const isCoarse = wanted.resolutionMs > 10;
    await DataFolder.with(folder, async (data) => {
      for (const period of Object.values(periods)) {
        if (isCoarse && period.name === 'ms10') continue;
        const view = await data.view(period, nowMs);
        expect(view.moment).toBe(wanted.moment);
        expect(await countsOf(view, period)).toEqual(await countsOf(wanted.view(period), period));
        await view.store.close();
      }
      const { messages } = data.recovered;
      const view = await data.view(periods.min, nowMs);
      const counted = { messagesInAll: messages, messagesSinceStart: 0 };
      expect(await audit(view, counted, {}, nowMs)).toMatchObject({ ok: true });
      await view.store.close();
      expect(messages).toBe(wanted.logs.reduce((sum, one) => sum + one.messages, 0));
    });
  }

  it('counts as a reading of the log alone does, once', async () => {
    await writeFile(log, `${lines(0, 5_000)}no line of any format\n\n`);
    expect(await run()).toMatchObject({ lines: 5_002, messages: 5_000, skipped: 2, known: 0 });
    await expectSameAs(log);
    const again = await run();
    expect(again).toMatchObject({ lines: 5_002, messages: 0, skipped: 0, known: 5_002 });
    expect(again).toMatchObject({ resolutionMs: 1, spans: [{ from: startMs }] });
    await expectSameAs(log);
  });

  it.each([
    ['seeking behind what it knows', 5_000],
    ['in a log of a few lines', 3],
  ])('adds what a log has grown by, %s', async (_, count) => {
    await writeFile(log, lines(0, count));
    await run();
    await appendFile(log, lines(count, count + 200));
    expect(await run()).toMatchObject({ lines: count + 200, messages: 200, known: count });
    await expectSameAs(log);
  });

  it('reads on in a log whose header says what its columns are', async () => {
    const rows = (from: number, to: number): string =>
      Array.from({ length: to - from }, (__, row) => {
        const ms = startMs + (from + row) * 10;
        return `${ms},15,Home,200,OK,Thread 1-1,text,true,,12,1,1,1,http://a/,14,0,1\n`;
      }).join('');
    const header =
      'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n';
    await writeFile(log, header + rows(0, 3_000));
    await run();
    await appendFile(log, rows(3_000, 3_100));
    expect(await run()).toMatchObject({ messages: 100, known: 3_001 });
    await expectSameAs(log);
  });

  it('adds nothing of a rotated, compressed or copied log, and takes the rest of it', async () => {
    await writeFile(log, lines(0, 3_000));
    await run();
    const rotated = `${log}.1`;
    await rename(log, rotated);
    await appendFile(rotated, lines(3_000, 3_010));
    await writeFile(log, lines(3_010, 4_000));
    expect(await run(log)).toMatchObject({ messages: 990, known: 0 });
    expect(await run(rotated)).toMatchObject({ messages: 10, known: 3_000 });
    const compressed = `${log}.2.gz`;
    await writeFile(compressed, gzipSync(lines(0, 3_010)));
    expect(await run(compressed)).toMatchObject({ messages: 0, known: 3_010 });
    await expectSameAs(log, rotated);
  });

  it('takes the rest of a log that has grown before it was compressed', async () => {
    await writeFile(log, lines(0, 5_000));
    await run();
    const compressed = `${log}.1.gz`;
    await writeFile(compressed, gzipSync(lines(0, 5_200)));
    expect(await run(compressed)).toMatchObject({ messages: 200, known: 5_000 });
    await expectSameAs(compressed);
  });

  it('takes a truncated and rewritten log for another one', async () => {
    await writeFile(log, lines(0, 3_000));
    await run();
    const copy = `${log}.1`;
    await writeFile(copy, lines(0, 3_000));
    await truncate(log);
    await appendFile(log, lines(3_000, 3_500));
    expect(await run()).toMatchObject({ messages: 500, known: 0 });
    await expectSameAs(copy, log);
  });

  it('refuses a log that was changed before where it was left', async () => {
    await writeFile(log, lines(0, 3_000));
    await run();
    await writeFile(log, `${lines(0, 2_000)}${lines(2_001, 4_000)}`);
    await expect(run()).rejects.toMatchObject({ code: 'RETO3_LOG_CHANGED' });
    await writeFile(log, lines(0, 3_000));
    await expectSameAs(log);
  });

  it('counts a last line without an end, and counts it anew once it has grown', async () => {
    const options = { pattern: '^GET (?<time>[0-9.]+)$' };
    const text = (ofLines: number): string =>
      Array.from({ length: ofLines }, (_, line) => `GET ${startMs / 1_000 + line}.98765\n`).join(
        '',
      );
    await writeFile(log, text(5).slice(0, -4));
    expect(await run(log, options)).toMatchObject({ lines: 5, messages: 5 });
    await expectSame(options, log);
    expect(await run(log, options)).toMatchObject({ messages: 0, known: 5 });
    await writeFile(log, text(7));
    expect(await run(log, options)).toMatchObject({ lines: 7, messages: 2, known: 5 });
    await expectSame(options, log);
  });

  it('counts a last line that says something only once it has grown', async () => {
    const whole = lines(0, 5);
    await writeFile(log, whole.slice(0, -60));
    expect(await run()).toMatchObject({ lines: 5, messages: 4, skipped: 1 });
    await writeFile(log, whole);
    expect(await run()).toMatchObject({ lines: 5, messages: 1, known: 4 });
    await expectSameAs(log);
  });

  it('adds several logs up in the windows that they share', async () => {
    const other = join(place, 'other.log');
    await writeFile(log, lines(0, 2_000));
    await writeFile(other, lines(0, 2_000, 29));
    await run(log);
    await run(other);
    await expectSameAs(log, other);
  });

  it('keeps what a clock that ticks in seconds counted, and marks a grown past as revised', async () => {
    await writeFile(log, coarseLines(0, 9_000));
    await run();
    await expectSameAs(log);
    await DataFolder.with(folder, async (data) => {
      await expect(data.view(periods.ms10, nowMs)).rejects.toMatchObject({ code: 'RETO3_NO_DATA' });
    });
    const other = join(place, 'fine.log');
    await writeFile(other, lines(100, 300));
    await run(other);
    await DataFolder.with(folder, async (data) => {
      const view = await data.view(periods.sec, nowMs);
      const first = { from: startMs + 4_000, to: startMs + 5_000 };
      for await (const { windows } of readChunks(view, periods.sec, first)) {
        expect([...windows.revised]).toEqual([1]);
        expect(totalOf(windows)).toBe(27 + 27);
      }
      await view.store.close();
    });
  });

  it('leaves lines new that the wrong format has skipped', async () => {
    await writeFile(log, lines(0, 100));
    await run();
    await appendFile(log, lines(100, 150));
    expect(await run(log, { format: 'haproxy' })).toMatchObject({ messages: 0, skipped: 50 });
    expect(await run()).toMatchObject({ messages: 50, skipped: 0, known: 100 });
    await expectSameAs(log);
  });

  it('says how many messages readers do not see, since retention has deleted their time', async () => {
    await writeFile(log, lines(0, 100));
    expect((await run()).hidden).toEqual([]);
    const store = await new HeldFolder(folder).openStore();
    const meta = await store.readMeta();
    if (meta === undefined) throw new Error('no meta row');
    const hour = alignDown(startMs, 3_600_000);
    const deletedBefore = { ms10: hour + 7_200_000, sec: hour + 3_600_000, min: 0 };
    const writes = meta.writes + 1;
    await store.write([{ meta: { ...meta, writes, deletedBefore } }], { sync: true });
    await store.close();
    // A minute in both, one in ms10 only, and one that is shown.
    const other = join(place, 'other.log');
    const linesPerHour = 3_600_000 / 1_000;
    const hours = [0, 1, 2].map((later) => {
      const first = later * linesPerHour;
      return lines(first, first + 10 + later, 1_000);
    });
    await writeFile(other, hours.join(''));
    const summary = await run(other);
    const from = alignDown(startMs, 60_000);
    const ms10 = { period: 'ms10', messages: 21, from, to: from + 3_660_000 };
    const sec = { period: 'sec', messages: 10, from, to: from + 60_000 };
    expect(summary).toMatchObject({ messages: 33, hidden: [ms10, sec] });
    expect(summaryLines(summary).slice(-2)).toEqual([
      `${other}: 21 messages from 2016-05-28 11:11:00.000 to 2016-05-28 12:12:00.000 are not shown in ms10, because retention has deleted that time; import the log into another --data-dir to see all`,
      `${other}: 10 messages from 2016-05-28 11:11:00.000 to 2016-05-28 11:12:00.000 are not shown in sec, because retention has deleted that time; import the log into another --data-dir to see all`,
    ]);
    const coarse = join(place, 'coarse.log');
    await writeFile(coarse, coarseLines(0, 5));
    expect((await run(coarse)).hidden).toMatchObject([{ period: 'sec', messages: 5 }]);
  });

  it('is exact, in one commit, with few messages in a day', async () => {
    await writeFile(log, lines(0, 3, 12 * 3_600_000));
    const writer = await FolderWriter.open(folder);
    const commit = vi.spyOn(writer, 'commit');
    await importLog(log, readingOf({}, nowMs), writer, quiet);
    expect(commit).toHaveBeenCalledOnce();
    await writer.close();
    await expectSameAs(log);
    const other = join(place, 'other.log');
    await writeFile(other, lines(0, 4, 9 * 3_600_000));
    await run(other);
    await expectSameAs(log, other);
  });

  /** The same lines with a duration, so that starts are known. */
  const timedLines = (from: number, to: number, everyMs?: number): string =>
    lines(from, to, everyMs).replaceAll('\n', ' 0.250\n');

  it('counts a grown log by the moment of its earlier lines, and refuses another', async () => {
    await writeFile(log, timedLines(0, 3_000));
    expect(await run(log, { at: 'end' })).toMatchObject({ moment: 'end' });
    await appendFile(log, timedLines(3_000, 3_500));
    for (const messages of [500, 0]) expect(await run()).toMatchObject({ moment: 'end', messages });
    await expectSame({ at: 'end' }, log);
    await appendFile(log, timedLines(3_500, 3_600));
    await expect(run(log, { at: 'start' })).rejects.toMatchObject({
      code: 'RETO3_BAD_FLAG',
      message: `got --at start, but earlier lines of ${log} are counted by the end of each request`,
    });
    expect(await run(log, { at: 'end' })).toMatchObject({ messages: 100 });
    await expectSame({ at: 'end' }, log);
  });

  it('counts starts of a log even if later lines have no duration', async () => {
    await writeFile(log, timedLines(0, 10));
    expect(await run()).toMatchObject({ moment: 'start' });
    // Detected anew, such a log is counted by ends.
    await appendFile(log, lines(10, 11) + timedLines(11, 500));
    expect(await run()).toMatchObject({ moment: 'start', messages: 490, withoutDuration: 1 });
  });

  it('completes an interrupted import by its own moment', async () => {
    await writeFile(log, timedLines(0, 500, 60_000));
    const writer = await FolderWriter.open(folder);
    const dying = importLog(log, readingOf({ at: 'end' }, nowMs), dyingWriter(writer), quiet);
    await expect(dying).rejects.toThrow('killed');
    await writer.close();
    await expect(run(log, { at: 'start' })).rejects.toMatchObject({ code: 'RETO3_BAD_FLAG' });
    await run();
    await expectSame({ at: 'end' }, log);
  });

  it('leaves the moment unknown if an earlier version counted some lines', async () => {
    await writeFile(log, timedLines(0, 100));
    await run();
    const writer = await FolderWriter.open(folder);
    const [position] = writer.sources;
    if (position === undefined) throw new Error('no position');
    expect([position.moment, writer.moment]).toEqual(['start', 'start']);
    const { moment: _, ...before } = position;
    await writer.commit(before);
    expect(writer.moment).toBeUndefined();
    await writer.close();
    await appendFile(log, timedLines(100, 200));
    expect(await run()).toMatchObject({ messages: 100, moment: 'start' });
    await DataFolder.with(folder, async (data) => {
      const view = await data.view(periods.sec, nowMs);
      expect(view.moment).toBeUndefined();
      await view.store.close();
    });
  });

  it('is exact where it ends after any commit', async () => {
    // 500 minutes are four commits.
    await writeFile(log, lines(0, 500, 60_000));
    for (let commits = 0; ; commits++) {
      const writer = await FolderWriter.open(folder);
      try {
        await importLog(log, readingOf({}, nowMs), dyingWriter(writer), quiet);
      } catch (error) {
        expect(String(error)).toContain('killed');
        if (commits === 1) await appendFile(log, lines(0, 100, 59_000));
        continue;
      } finally {
        await writer.close();
      }
      expect(commits).toBeGreaterThan(4);
      break;
    }
    await expectSameAs(log);
    expect(await run()).toMatchObject({ messages: 0 });
  });
});

/** A writer of a process that is killed after its first commit. */
function dyingWriter(writer: FolderWriter): FolderWriter {
  return new Proxy(writer, {
    get(target, name) {
      if (name === 'commit')
        return async (position: Parameters<FolderWriter['commit']>[0]) => {
          await target.commit(position);
          throw new Error('killed');
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Start and count of every window with a message, and how many were counted. */
async function countsOf(view: CountsView, period: Period): Promise<readonly unknown[]> {
  const found: [number, number][] = [];
  let counted = 0;
  const range = { from: 0, to: view.finalThrough };
  for await (const { start, windows } of readChunks(view, period, range)) {
    for (const [index, count] of windows.counts.entries()) {
      if (windows.counted[index] !== 1) continue;
      counted++;
      if (count > 0) found.push([start + index * period.windowMs, count]);
    }
  }
  return [counted, ...found];
}
