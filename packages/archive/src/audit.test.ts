/** The audit of an archive finds every kind of damage, and reports none in an intact archive. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { type Audit, audit, Store, wholeMinutes } from '@reto3/engine';
import { allocate, controlOf, RingReader } from '@reto3/engine/ring';
import { perSecond, VirtualServer } from '@reto3/engine/testing';
import { MemoryLevel } from 'memory-level';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withArchive } from './audit.ts';
import { Converter } from './convert.ts';
import { BatchReader, BatchWriter } from './handover.ts';
import { type ArchiveFile, hourMs, segmentPath } from './layout.ts';
import { allocateBatches } from './memory.ts';
import { Segments } from './segments.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const nextHour = hour + hourMs;
const startMs = nextHour - 60_000;
const seconds = 120;
const base = mkdtempSync(join(tmpdir(), 'reto3-archive-audit-'));
afterAll(() => rmSync(base, { recursive: true }));

/** The arrival times of the messages that `VirtualServer.count` sends. */
function arrivals(from: number, to: number): number[] {
  return Array.from({ length: ((to - from) / 1_000) * perSecond }, (_, index) => {
    const second = Math.floor(index / perSecond);
    return from + second * 1_000 + (index % perSecond) * 100;
  });
}

describe('an audit of an archive', () => {
  let server: VirtualServer;
  let folder: string;
  /** Half of the messages are in a Parquet file, half in a segment. */
  let parquet: ArchiveFile;
  let segment: ArchiveFile;

  beforeAll(async () => {
    const database = new MemoryLevel<string, string>();
    server = await VirtualServer.on(await Store.open(async () => database), startMs);
    await server.count(seconds);
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(base, 'archive-'));
    mkdirSync(join(folder, 'segments'));
    parquet = await convert(write(1, arrivals(startMs, nextHour)));
    segment = write(2, arrivals(nextHour, startMs + seconds * 1_000));
  });

  /** Archives messages of one hour and one write of the store. */
  function write(sequence: number, times: readonly number[], writes = 1): ArchiveFile {
    const [ring, memory] = [allocate(1), allocateBatches(1)];
    const writer = new BatchWriter(memory, 0, controlOf(ring));
    for (const time of times) writer.add(time, 'POST', '/', '', Buffer.from('value='), 6);
    writer.handOver();
    const segments = new Segments(folder, sequence);
    const { monotonicMs } = new VirtualClock(0).read();
    for (const reader of BatchReader.of(memory))
      segments.append(reader.heldBy(new RingReader(ring).raiseFlush()), writes, monotonicMs);
    const [closed] = segments.close(monotonicMs, true);
    if (closed === undefined) throw new Error('nothing was archived');
    return closed.file;
  }

  async function convert(file: ArchiveFile): Promise<ArchiveFile> {
    const converted = await (await Converter.open(folder)).convert(file);
    if (converted === undefined) throw new Error('nothing was converted');
    return converted;
  }

  function move(file: ArchiveFile, path: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    renameSync(join(folder, file.path), join(folder, path));
  }

  async function run(meta = { writes: 1, clean: true }, from?: string): Promise<Audit> {
    const { coordinator, clock } = server;
    const view = coordinator.view();
    try {
      const counts = await audit(view, coordinator.state(), { from }, clock.wallMs);
      const range = wholeMinutes({ from }, clock.wallMs);
      return await withArchive(counts, folder, view, range, meta);
    } finally {
      await view.store.close();
    }
  }

  /** The faults, by place; checks that the audit of the archive fails if there are any. */
  async function faults(): Promise<string[]> {
    const { ok, checks, places } = await run();
    expect(ok).toBe(places.length === 0);
    expect(checks.at(-1)).toMatchObject({ name: 'archive', ok });
    return places.map(({ period, reason }) => `${period}: ${reason}`);
  }

  it('finds nothing in an intact one', async () => {
    const messages = seconds * perSecond;
    const archive = { files: 2, unread: 0, messages, notArchived: 0 };
    expect(await run()).toMatchObject({ ok: true, places: [], archive });
    const half = { files: 1, unread: 0, messages: messages / 2, notArchived: 0 };
    expect(await run(undefined, String(nextHour))).toMatchObject({ ok: true, archive: half });
  });

  it('reports how many counted messages are missing, even in an hour without a file', async () => {
    rmSync(join(folder, segment.path));
    write(3, arrivals(nextHour, nextHour + 10_000).slice(1));
    const notArchived = 50 * perSecond + 1;
    expect(await run()).toMatchObject({ ok: true, archive: { notArchived } });
    const later = await run(undefined, String(nextHour + 60_000));
    expect(later).toMatchObject({ ok: true, archive: { notArchived: 0 } });
    write(4, [nextHour + 2 * hourMs]);
    rmSync(join(folder, parquet.path));
    rmSync(join(folder, segmentPath(3, nextHour)));
    write(5, [startMs]);
    expect(await run()).toMatchObject({
      ok: false,
      archive: { notArchived: seconds * perSecond - 1 },
    });
  });

  it('skips the decades between two files', async () => {
    const long = Date.UTC(1990, 0);
    write(3, [long]);
    expect(await run()).toMatchObject({
      places: [{ from: long, reason: expect.stringMatching(/^got 1 messages archived/) }],
      archive: { files: 3, notArchived: 0 },
    });
  });

  it('finds a message too many', async () => {
    write(3, [startMs + 100, startMs + 10]);
    expect(await faults()).toEqual([
      'ms10: got 1 messages archived, want at most the 0 counted (did the wall clock step?)',
      'ms10: got 2 messages archived, want at most the 1 counted (did the wall clock step?)',
    ]);
  });

  it('finds an excess message even if retention has left only longer periods', async () => {
    write(3, [startMs + 10]);
    const view = server.coordinator.view();
    try {
      const deletedBefore = { ms10: nextHour, sec: hour, min: hour };
      const counts = await audit(view, server.coordinator.state(), {}, server.clock.wallMs);
      const range = { from: 0, to: Number.POSITIVE_INFINITY };
      const meta = { writes: 1, clean: true };
      const found = await withArchive(counts, folder, { ...view, deletedBefore }, range, meta);
      expect(found.places.map(({ period, reason }) => `${period}: ${reason}`)).toEqual([
        `sec: got ${perSecond + 1} messages archived, want at most the ${perSecond} counted (did the wall clock step?)`,
      ]);
    } finally {
      await view.store.close();
    }
  });

  it('finds a file with a message missing', async () => {
    const { messages = 0 } = parquet;
    move(parquet, parquet.path.replace(`_${messages}.`, `_${messages + 1}.`));
    expect(await faults()).toEqual([
      expect.stringMatching(/^archive: .*got 420 messages in it, want 421 by its name and 420 by/),
    ]);
  });

  it('finds a file in the wrong hour', async () => {
    move(parquet, parquet.path.replace('hour=11', 'hour=12'));
    expect(await faults()).toEqual([
      expect.stringMatching(
        /^archive: .*hour=12.*: 420 of its messages did not arrive in its hour$/,
      ),
    ]);
  });

  it('finds a segment in the wrong hour', async () => {
    move(segment, segmentPath(2, hour));
    expect(await faults()).toEqual([
      expect.stringMatching(/^archive: .*T11.segment: 420 of its messages did not arrive in its/),
    ]);
  });

  it('finds files that cannot be read', async () => {
    truncateSync(join(folder, parquet.path), statSync(join(folder, parquet.path)).size / 2);
    truncateSync(join(folder, segment.path), 0);
    appendFileSync(join(folder, segment.path), 'something else than a segment');
    expect(await faults()).toEqual([
      expect.stringMatching(/^archive: .*\.parquet: cannot be read: /),
      expect.stringMatching(/^archive: .*\.segment: 29 of its 29 bytes are damaged$/),
    ]);
  });

  it('reports half a batch after a clean stop, and accepts it as a torn tail after a crash', async () => {
    const path = join(folder, segment.path);
    const { size } = statSync(path);
    appendFileSync(path, 'half of a batch');
    expect(await faults()).toEqual([
      expect.stringMatching(`its last 15 of ${size + 15} bytes are an incomplete batch`),
    ]);
    const { ok, checks } = await run({ writes: 1, clean: false });
    expect(ok).toBe(true);
    expect(checks.at(-1)?.says).toContain('a torn tail of 15 bytes');
  });

  it('ignores what the store lost', async () => {
    write(3, [startMs + 10], 2);
    const { ok, checks, archive } = await run();
    expect({ ok, messages: archive?.messages }).toEqual({
      ok: true,
      messages: seconds * perSecond,
    });
    expect(checks.at(-1)?.says).toContain('and 1 messages that the store lost');
  });
});
