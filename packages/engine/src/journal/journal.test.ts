import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { secondsOnly } from '@reto3/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeHeader, frameOf, headerBytes, pieceBytes, readJournal } from './format.ts';
import { Journal } from './journal.ts';
import { journalIn } from './journal-folder.ts';
import { readJournals } from './read.ts';
import { decodeRecord, encodeRecord } from './record.ts';

const minute = Date.UTC(2016, 4, 28, 11, 11);

function record(sequence: number, count: number, synced = sequence - 1): Uint8Array {
  const counts = new Float64Array(6_000);
  counts[11] = count;
  const changes = { start: minute, total: count, windows: [11], counts, counted: [], revised: [] };
  return encodeRecord({ sequence, synced, minutes: [changes], rows: [], published: undefined });
}

/** A record that is longer than a piece of the file. */
function longRecord(sequence = 6): Uint8Array {
  const rows = [{ key: Uint8Array.of(1), bytes: new Uint8Array(pieceBytes) }];
  return encodeRecord({ sequence, synced: 0, minutes: [], rows, published: undefined });
}

describe('a record', () => {
  const windows = fc.uniqueArray(fc.nat({ max: 5_999 }), { maxLength: 200 });
  const minutes = fc.array(
    fc.record({ start: fc.nat({ max: 2 ** 31 }), windows, seed: fc.nat() }),
    { maxLength: 3 },
  );
  const bytes = fc.uint8Array({ maxLength: 40 });

  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(
        minutes,
        fc.array(fc.record({ key: bytes, bytes })),
        fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
        (all, rows, published) => {
          const given = all.map(({ start, windows: unsorted, seed }) => {
            const sorted = [...unsorted].sort((a, b) => a - b);
            const counts = new Float64Array(6_000);
            const revised = new Uint8Array(6_000);
            const counted = new Uint8Array(6_000).fill(1);
            if (seed % 2 === 1) counted.fill(secondsOnly, 0, 300);
            for (const window of sorted) {
              counts[window] = (window * 7_919 + seed) % Number.MAX_SAFE_INTEGER;
              revised[window] = window % 2;
            }
            return {
              start: start * 60_000,
              total: seed,
              windows: sorted,
              counts,
              counted,
              revised,
            };
          });
          const read = decodeRecord(
            encodeRecord({ sequence: 7, synced: 4, minutes: given, rows, published }),
          );
          expect(read).toEqual({
            sequence: 7,
            synced: 4,
            minutes: given.map(({ start, total, windows: changed, counts, counted, revised }) => ({
              start,
              total,
              windows: changed.map((window) => ({
                window,
                count: counts[window],
                revised: revised[window] === 1,
              })),
              secondsOnly: [0, 1, 2].filter((second) =>
                changed.some(
                  (window) =>
                    Math.floor(window / 100) === second && counted[window] === secondsOnly,
                ),
              ),
            })),
            rows,
            published,
          });
        },
      ),
    );
  });

  it('is refused if its bytes are invalid', () => {
    expect(() => decodeRecord(Uint8Array.of(1, 0, 0, 0, 0, 0))).toThrow(/after the end/);
    expect(() => decodeRecord(Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 1, 60))).toThrow(
      'got seconds 60, want less than 60',
    );
    expect(() => decodeRecord(Uint8Array.of(1, 0, 1, 0, 0, 1, 0xe0, 0x5d))).toThrow(
      'got window 6000, want less than 6000',
    );
    expect(() => decodeRecord(Uint8Array.of(1, 1))).toThrow(/too few bytes/);
  });
});

describe('the journal of a folder', () => {
  let folder: string;
  let journal: Journal;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-journal-'));
    journal = new Journal(journalIn(folder));
    await journal.prepare(1, 5, false);
    journal.begin();
  });

  afterEach(async () => {
    await journal.close();
    await rm(folder, { recursive: true });
  });

  async function counts(): Promise<number[]> {
    const { records, damage } = await readJournals(journalIn(folder), undefined);
    expect(damage).toBeUndefined();
    return records.map((one) => one.minutes[0]?.windows[0]?.count ?? -1);
  }

  it('returns its records in order, also from two files', async () => {
    journal.append(record(6, 1));
    await journal.appendAsync(record(7, 2));
    await journal.prepare(1, 8, true);
    journal.append(record(8, 3));
    journal.begin();
    await journal.appendAsync(record(9, 4));
    await journal.sync();
    expect(await counts()).toEqual([1, 2, 3, 4]);
    await journal.retire();
    expect(await counts()).toEqual([4]);
  });

  it('reuses files that it no longer needs, and reads no old record in them', async () => {
    for (let sequence = 6; sequence < 200; sequence++) journal.append(record(sequence, sequence));
    for (let time = 0; time < 3; time++) {
      await journal.prepare(1, 200 + time, false);
      journal.begin();
      journal.append(record(300 + time, time));
      await journal.retire();
      expect(await counts()).toEqual([time]);
    }
    expect((await readdir(folder)).sort()).toEqual(['JOURNAL-202', 'JOURNAL-SPARE']);
  });

  it('grows by whole pieces, and notices if one is cut off', async () => {
    journal.append(longRecord());
    journal.append(record(7, 1));
    await journal.sync();
    const path = join(folder, 'JOURNAL-5');
    const whole = await readFile(path);
    expect(whole.length).toBe(2 * pieceBytes);
    expect(readJournal(whole)).toMatchObject({ damage: undefined, isShort: false });
    await truncate(path, pieceBytes);
    const { damage, isShort } = await readJournals(journalIn(folder), 5);
    expect(damage).toMatch(/JOURNAL-5: it was cut: got 262144 bytes, want at least 524288/);
    expect(isShort).toBe(true);
  });

  it('is no damage after a power cut that takes the growth of its file', async () => {
    journal.append(record(6, 1));
    journal.append(longRecord(7));
    // The first page may reach the disk before the new size of the file.
    const bytes = await readFile(join(folder, 'JOURNAL-5'));
    const { records, damage } = readJournal(bytes.subarray(0, pieceBytes));
    expect(damage).toBeUndefined();
    expect(records.map(({ sequence }) => sequence)).toEqual([6]);
  });

  it('ends before a torn last record, wherever it is torn', async () => {
    journal.append(record(6, 1));
    const end = journal.bytes;
    journal.append(record(7, 2));
    const bytes = await readFile(join(folder, 'JOURNAL-5'));
    for (let torn = end; torn < journal.bytes; torn++) {
      const cut = Buffer.from(bytes);
      cut.fill(0xff, torn, journal.bytes);
      const { records, damage } = readJournal(cut);
      expect(damage).toBeUndefined();
      expect(records.length).toBe(1);
    }
  });

  it('ends at a lost record that was never synced, even if the disk has later ones', async () => {
    journal.append(record(6, 1, 0));
    const end = journal.bytes;
    journal.append(record(7, 2, 6));
    const next = journal.bytes;
    journal.append(record(8, 3, 6));
    const bytes = await readFile(join(folder, 'JOURNAL-5'));
    const holed = Buffer.from(bytes).fill(0, end, next);
    const { records, damage } = readJournal(holed);
    expect(damage).toBeUndefined();
    expect(records.map(({ sequence }) => sequence)).toEqual([6]);

    const lost = Buffer.from(bytes).fill(0, headerBytes, end);
    expect(readJournal(lost).damage).toBe('it is damaged at byte 64');
    // The journal before has record 6.
    expect(readJournal(lost, 6).damage).toBeUndefined();
  });

  it('of version 1 is damaged wherever a record before its last is', async () => {
    const header = { id: 5, boot: 1, seed: 7, size: 0 };
    const frames = [6, 7, 8].map((sequence) => {
      const [number = 0, , ...rest] = record(sequence, 1);
      return frameOf(Uint8Array.of(number, ...rest), header.seed);
    });
    const bytes = Buffer.concat([encodeHeader(header), ...frames]);
    bytes[8] = 1;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
    const sequences = (of: Buffer) => readJournal(of).records.map(({ sequence }) => sequence);
    expect(sequences(bytes)).toEqual([6, 7, 8]);
    const [{ length } = { length: 0 }] = frames;
    bytes.fill(0, headerBytes + length, headerBytes + 2 * length);
    expect(readJournal(bytes).damage).toMatch(/is damaged at byte/);
  });

  it('notices a flipped bit anywhere before its last record', async () => {
    journal.append(record(6, 1));
    journal.append(record(7, 2));
    const end = journal.bytes;
    journal.append(record(8, 3));
    const bytes = await readFile(join(folder, 'JOURNAL-5'));
    for (let at = 0; at < end; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      expect(readJournal(flipped).damage, `byte ${at} of ${headerBytes}…${end}`).toBeDefined();
    }
  });

  it('is not damaged if it cannot be read: a repair would give it up', async () => {
    // A folder in place of the file: root has every permission.
    await mkdir(join(folder, 'JOURNAL-9'));
    await expect(readJournals(journalIn(folder), 5)).rejects.toMatchObject({
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringContaining('its file JOURNAL-9: EISDIR'),
    });
  });

  it('is damaged if a file is missing or has the id of another', async () => {
    journal.append(record(6, 1));
    const bytes = await readFile(join(folder, 'JOURNAL-5'));
    expect((await readJournals(journalIn(folder), 4)).damage).toBe('its file JOURNAL-4 is missing');
    await writeFile(join(folder, 'JOURNAL-9'), bytes);
    expect((await readJournals(journalIn(folder), 5)).damage).toBe(
      'its file JOURNAL-9 is the journal 5',
    );
  });
});
