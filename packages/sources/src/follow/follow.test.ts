/** Files that grow, rotate and vanish, followed by one reader after the other. */
import {
  appendFile,
  copyFile,
  mkdtemp,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SourcePosition } from '@reto3/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plannedBy } from '../plan.ts';
import { fingerprintOf } from '../position.ts';
import { FollowedPath, type PathEvents } from './followed-path.ts';

const minuteMs = 60_000;
const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);

let folder: string;
let path: string;
let next: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-follow-'));
  path = join(folder, 'access.log');
  next = 0;
});

afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.close();
  await rm(folder, { recursive: true });
});

/** nginx with $msec: the next request, 10 ms after the one before. */
function line(): string {
  const ms = startMs + 10 * next++;
  return `192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /${next} HTTP/1.1" 200 1 "-" "-" ${(ms / 1_000).toFixed(3)} 0.000\n`;
}

function lines(count: number): string {
  return Array.from({ length: count }, line).join('');
}

/** Follows the path as a server does, with what an earlier one left. */
class Reader {
  readonly counts = new Map<number, number>();
  readonly said: string[] = [];
  positions = new Map<string, SourcePosition>();
  monotonicMs = 0;
  lines = 0;
  readonly #followed: FollowedPath;

  constructor(before?: Reader, format?: string) {
    if (before !== undefined) {
      this.counts = new Map(before.counts);
      this.positions = new Map(before.positions);
    }
    const say = (what: string) => () => this.said.push(what);
    const events: PathEvents = {
      began: ({ format: { name } }) => this.said.push(name),
      waiting: say('waiting'),
      unknown: say('unknown'),
      cannotRead: (reason) => this.said.push(reason),
      rotated: say('rotated'),
      lost: say('lost'),
      gone: say('gone'),
      behind: say('behind'),
      caughtUp: say('caught up'),
      counted: (batch) => {
        this.lines += batch.lines;
      },
      skipped: (reason) => this.said.push(reason),
    };
    this.#followed = new FollowedPath(path, plannedBy({ format }), events, [
      ...this.positions.values(),
    ]);
    readers.push(this);
  }

  /** Reads some. Returns whether there is more. */
  poll(): Promise<boolean> {
    return this.#followed.poll(
      {
        hasRoom: true,
        cover: () => undefined,
        add: (timeMs, count) => this.counts.set(timeMs, (this.counts.get(timeMs) ?? 0) + count),
      },
      { wallMs: startMs + minuteMs, monotonicMs: this.monotonicMs },
    );
  }

  /** Reads everything that is there, and writes it into the journal. */
  async read(): Promise<this> {
    for (let polls = 0; await this.poll(); polls++) expect(polls).toBeLessThan(1_000);
    for (const position of this.#followed.takeChanged()) this.positions.set(position.id, position);
    return this;
  }

  /** Each line so far was counted once. */
  expectAll(but = 0): void {
    expect([...this.counts.values()].reduce((sum, count) => sum + count, 0)).toBe(next - but);
    expect(Math.max(...this.counts.values())).toBe(1);
  }

  close(): Promise<void> {
    return this.#followed.close();
  }
}

const readers: Reader[] = [];

describe('a followed file', () => {
  it('is waited for, and read as it grows', async () => {
    const reader = await new Reader().read();
    expect(reader.said).toEqual(['waiting']);
    await writeFile(path, lines(3));
    await reader.read();
    await appendFile(path, lines(2_000));
    await reader.read();
    reader.expectAll();
    expect(reader.said).toEqual(['waiting', 'nginx']);
  });

  it('may end in half a line, of which the other half is waited for', async () => {
    const whole = lines(2);
    await writeFile(path, whole.slice(0, -20));
    const reader = await new Reader().read();
    reader.expectAll(1);
    await appendFile(path, whole.slice(-20));
    (await reader.read()).expectAll();
  });

  it('goes on where the position is, and not where it was read to', async () => {
    await writeFile(path, lines(5));
    const first = await new Reader().read();
    await appendFile(path, lines(5));
    const second = await new Reader(first).read();
    second.expectAll();
    expect((await new Reader(second).read()).counts).toEqual(second.counts);
  });

  it('is counted by one moment, also by the next server', async () => {
    const request = (endMs: number, duration = ''): string =>
      `192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1 "-" "-" ${(endMs / 1_000).toFixed(3)}${duration}\n`;
    await writeFile(path, request(startMs + 1_000, ' 0.500'));
    const first = await new Reader().read();
    // Detected anew, the log is counted by ends.
    await appendFile(path, request(startMs + 2_000));
    await first.read();
    const counted = [...first.positions.values()].filter(({ times }) => times !== undefined);
    expect(counted).toMatchObject([{ moment: 'start' }]);
    await appendFile(path, request(startMs + 3_000, ' 0.500'));
    const second = await new Reader(first).read();
    const times = [500, 2_000, 2_500].map((ms) => startMs + ms);
    expect([...second.counts.keys()]).toEqual(times);
  });

  it('of which no line has a format is said once, and counted from its begin when one has', async () => {
    await writeFile(path, 'to be or not\n');
    const reader = await new Reader().read();
    await appendFile(path, 'to be\n');
    await reader.read();
    expect(reader.said).toEqual(['unknown']);
    await appendFile(path, lines(4));
    (await reader.read()).expectAll();
    expect(reader.said).toEqual([
      'unknown',
      'nginx',
      ...Array(2).fill('no request of this format'),
    ]);
  });

  it('that the wrong format has skipped is counted by the next server with the right one', async () => {
    // More than is read at a time.
    await writeFile(path, lines(1_000));
    const wrong = await new Reader(undefined, 'haproxy').read();
    expect(wrong.counts.size).toBe(0);
    (await new Reader(wrong, 'nginx').read()).expectAll();
  });

  it.each(['rename', 'copy'])(
    'that the wrong format has skipped is counted after rotations by %s, too',
    async (how) => {
      await writeFile(path, lines(1_000));
      const wrong = await new Reader(undefined, 'haproxy').read();
      for (let rotation = 3; rotation > 0; rotation--) {
        if (how === 'rename') await rename(path, `${path}.${rotation}`);
        else await copyFile(path, `${path}.${rotation}`);
        await writeFile(path, lines(1_000));
        await wrong.read();
      }
      wrong.monotonicMs += 2 * minuteMs;
      await wrong.read();
      expect(wrong.counts.size).toBe(0);
      const right = await new Reader(wrong, 'nginx').read();
      right.expectAll();
      (await new Reader(right, 'nginx').read()).expectAll();
    },
  );

  it('with columns in its header is understood again from the middle on', async () => {
    const row = () => `${startMs + 10 * next++},5,home,200\n`;
    await writeFile(path, `timeStamp,elapsed,label,responseCode\n${row()}${row()}`);
    const first = await new Reader().read();
    await appendFile(path, row());
    const second = await new Reader(first).read();
    second.expectAll();
    expect(second.said).toEqual(['jmeter']);
  });

  it('that is gone is said when no new one comes', async () => {
    await writeFile(path, lines(3));
    const reader = await new Reader().read();
    await rm(path);
    await reader.read();
    expect(reader.said).toEqual(['nginx']);
    reader.monotonicMs += minuteMs;
    await reader.read();
    await reader.read();
    expect(reader.said).toEqual(['nginx', 'gone']);
    await writeFile(path, lines(2));
    (await reader.read()).expectAll();
  });

  it('that is read for long without an end is said to be behind', async () => {
    await writeFile(path, lines(30_000));
    const reader = new Reader();
    await reader.poll();
    reader.monotonicMs += minuteMs;
    await reader.poll();
    expect(reader.said).toEqual(['nginx', 'behind']);
    (await reader.read()).expectAll();
    expect(reader.said).toEqual(['nginx', 'behind', 'caught up']);
  });

  it('that is a folder is said once', async () => {
    path = folder;
    const reader = await new Reader().read();
    await reader.read();
    expect(reader.said).toEqual([expect.stringMatching(/it is no file/)]);
  });

  it('may have lines of more than 1 MiB, which are skipped, and said before they end', async () => {
    await writeFile(path, `${lines(1)}${'x'.repeat(3 << 20)}`);
    const reader = await new Reader().read();
    const said = ['nginx', 'a length of more than 1 MiB'];
    expect(reader.said).toEqual(said);
    expect(reader.lines).toBe(2);
    await appendFile(path, `${'x'.repeat(2 << 20)}\n${lines(1)}`);
    await reader.read();
    reader.expectAll();
    expect(reader.said).toEqual(said);
    expect([...reader.positions.values()].map((each) => each.lines).sort()).toEqual([0, 3]);
    expect(reader.lines).toBe(3);
  });

  it('may be one long line without an end, of which no format is known', async () => {
    await writeFile(path, 'x'.repeat(3 << 20));
    const reader = await new Reader().read();
    expect(new Set(reader.said)).toEqual(new Set(['unknown']));
    await appendFile(path, `\n${lines(5)}`);
    (await reader.read()).expectAll();
  });

  it('of which an import was interrupted is not followed until that has ended', async () => {
    await writeFile(path, lines(3));
    const head = fingerprintOf(await readFile(path));
    const to = { end: head, offset: head.bytes, lines: 3 };
    const before = new Reader();
    const position = {
      id: 'x',
      path,
      head,
      end: fingerprintOf(Buffer.alloc(0)),
      offset: 0,
      lines: 0,
    };
    before.positions.set('x', { ...position, writing: { to, through: startMs + minuteMs } });
    const reader = await new Reader(before).read();
    await reader.read();
    expect(reader.said).toEqual([expect.stringMatching(/its import was interrupted/)]);
    expect(reader.counts.size).toBe(0);
  });
});

describe('a rotation', () => {
  it('by rename loses nothing of what the program still writes to the old file', async () => {
    await writeFile(path, lines(3));
    const reader = await new Reader().read();
    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, lines(2));
    (await reader.read()).expectAll();
    await writeFile(path, lines(2));
    await reader.read();
    await appendFile(`${path}.1`, lines(1));
    await appendFile(path, lines(1));
    (await reader.read()).expectAll();
    expect(reader.said).toEqual(['nginx', 'rotated', 'nginx']);
  });

  it('counts a last line without an end when the old file has been quiet for a minute', async () => {
    await writeFile(path, lines(2).trimEnd());
    const reader = await new Reader().read();
    await rename(path, `${path}.1`);
    await writeFile(path, lines(1));
    (await reader.read()).expectAll(1);
    reader.monotonicMs += minuteMs;
    (await reader.read()).expectAll();
    const after = await new Reader(reader).read();
    after.expectAll();
  });

  it('by copy and truncation reads the rest from the copy', async () => {
    await writeFile(path, lines(30));
    const reader = await new Reader().read();
    await appendFile(path, lines(5));
    await copyFile(path, `${path}.1`);
    await truncate(path);
    await appendFile(path, lines(40));
    (await reader.read()).expectAll();
    expect(reader.said).toEqual(['nginx', 'rotated', 'nginx', 'nginx']);
  });

  it('is seen where the file has grown beyond its old length', async () => {
    await writeFile(path, lines(1));
    const reader = await new Reader().read();
    await truncate(path);
    await appendFile(path, lines(9));
    (await reader.read()).expectAll();
  });

  it('of a writer that keeps its offset leaves a hole, which is no line', async () => {
    await writeFile(path, lines(1_000));
    const reader = await new Reader().read();
    await copyFile(path, `${path}.1`);
    await truncate(path);
    await truncate(path, 200_000);
    await appendFile(path, lines(3));
    (await reader.read()).expectAll();
  });

  it('does not count a copy that is shorter than what was read', async () => {
    await writeFile(path, lines(20));
    await copyFile(path, `${path}.1`);
    await appendFile(path, lines(1));
    const reader = await new Reader().read();
    await truncate(path);
    await appendFile(path, lines(2));
    (await reader.read()).expectAll();
    (await new Reader(reader).read()).expectAll();
  });

  it.each(['rename', 'copy'])('by %s, three times while nobody reads', async (how) => {
    await writeFile(path, lines(30));
    const first = await new Reader().read();
    for (let rotation = 0; rotation < 3; rotation++) {
      await appendFile(path, lines(30));
      for (let number = rotation; number > 0; number--)
        await rename(`${path}.${number}`, `${path}.${number + 1}`);
      if (how === 'rename') await rename(path, `${path}.1`);
      else await copyFile(path, `${path}.1`);
      await writeFile(path, lines(30));
    }
    const second = await new Reader(first).read();
    second.expectAll();
    (await new Reader(second).read()).expectAll();
  });

  it('of which the old file was compressed goes on in what it decompresses to', async () => {
    await writeFile(path, lines(30));
    const first = await new Reader().read();
    await appendFile(path, lines(3_000));
    await writeFile(`${path}.2.gz`, gzipSync(await readFile(path)));
    await writeFile(`${path}.1.gz`, gzipSync(lines(5)));
    await writeFile(path, lines(2));
    const second = await new Reader(first).read();
    second.expectAll();
    expect(second.said).not.toContain('lost');
    second.monotonicMs += minuteMs;
    await second.read();
    (await new Reader(second).read()).expectAll();
  });

  it('waits while a file is being compressed', async () => {
    await writeFile(path, lines(30));
    const first = await new Reader().read();
    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, lines(10));
    await writeFile(path, lines(2));
    const compressed = gzipSync(await readFile(`${path}.1`));
    await writeFile(`${path}.1.gz`, compressed.subarray(0, 100));
    const second = await new Reader(first).read();
    second.expectAll();
    await writeFile(`${path}.1.gz`, compressed);
    await rm(`${path}.1`);
    (await new Reader(second).read()).expectAll();
  });

  it('says that compressed text is damaged, and goes on without it', async () => {
    await writeFile(path, lines(30));
    const first = await new Reader().read();
    await writeFile(`${path}.1.gz`, gzipSync(await readFile(path)).subarray(0, -20));
    await writeFile(path, lines(2));
    const second = await new Reader(first).read();
    second.expectAll();
    expect(second.said).toContainEqual(
      expect.stringMatching(/log\.1\.gz: it ends in the middle of its compressed data/),
    );
  });

  it('of which the old file is gone is said once', async () => {
    await writeFile(path, lines(3));
    const first = await new Reader().read();
    await rm(path);
    await writeFile(path, lines(2));
    const second = await new Reader(first).read();
    second.expectAll();
    expect(second.said).toEqual(['lost', 'nginx']);
    expect((await new Reader(second).read()).said).not.toContain('lost');
  });

  it('is seen where a file was only known empty', async () => {
    await writeFile(path, '');
    const reader = await new Reader().read();
    await writeFile(path, lines(7));
    await copyFile(path, `${path}.1`);
    await writeFile(path, lines(2));
    (await reader.read()).expectAll();
  });

  it('may be slow: the old file is written after those that came later', async () => {
    await writeFile(path, lines(3));
    const first = await new Reader().read();
    await rename(path, `${path}.2`);
    await writeFile(`${path}.1`, lines(4));
    await utimes(`${path}.1`, startMs / 1_000, startMs / 1_000);
    await appendFile(`${path}.2`, lines(1));
    await writeFile(path, lines(2));
    (await new Reader(first).read()).expectAll();
  });

  it('may be slow: the old file is written after it was truncated and renamed', async () => {
    await writeFile(path, lines(30));
    const reader = await new Reader().read();
    await copyFile(path, `${path}.2`);
    await truncate(path);
    await rename(path, `${path}.1`);
    await writeFile(path, lines(2));
    (await reader.read()).expectAll();
    await appendFile(`${path}.1`, lines(3));
    reader.monotonicMs += 1_000;
    (await reader.read()).expectAll();
  });

  it('is seen where no new file comes to the path', async () => {
    await writeFile(path, lines(30));
    const reader = await new Reader().read();
    await rename(path, `${path}.2`);
    await reader.read();
    await writeFile(`${path}.1`, lines(3));
    reader.monotonicMs += 1_000;
    (await reader.read()).expectAll();
  });

  it('is not seen in a copy that is not complete', async () => {
    await writeFile(path, lines(300));
    const first = await new Reader().read();
    await appendFile(path, lines(100));
    await writeFile(`${path}.1`, (await readFile(path)).subarray(0, 3_000));
    const second = await new Reader(first).read();
    second.expectAll();
    await copyFile(path, `${path}.1`);
    await writeFile(path, lines(2));
    (await second.read()).expectAll();
  });

  it('does not double a log that an editor has saved', async () => {
    await writeFile(path, lines(300));
    const reader = await new Reader().read();
    await copyFile(path, `${path}.new`);
    await rename(`${path}.new`, path);
    await appendFile(path, lines(2));
    (await reader.read()).expectAll();
    (await new Reader(reader).read()).expectAll();
  });

  it('does not double a log that lost its end in a power cut', async () => {
    await writeFile(path, lines(300));
    const first = await new Reader().read();
    await truncate(path, (await readFile(path)).lastIndexOf('GET /200 '));
    const second = await new Reader(first).read();
    second.expectAll();
    await appendFile(path, `\n${lines(2)}`);
    (await second.read()).expectAll();
  });

  it('does not bring in what was rotated away before the file was followed', async () => {
    await writeFile(`${path}.1`, lines(4));
    await utimes(`${path}.1`, startMs / 1_000, startMs / 1_000);
    await writeFile(path, lines(2));
    const first = await new Reader().read();
    first.expectAll(4);
    await rename(`${path}.1`, `${path}.2`);
    await rename(path, `${path}.1`);
    await writeFile(path, lines(2));
    (await new Reader(first).read()).expectAll(4);
    (await first.read()).expectAll(4);
  });
});
