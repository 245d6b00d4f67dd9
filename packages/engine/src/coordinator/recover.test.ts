/** A start recovers a folder, or refuses it if writes or parts of the open minutes are missing. */
import { allocateWindows, type Windows } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import { beforeEach, describe, expect, it } from 'vitest';
import { allocate } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import type { Anchor } from '../store/anchor.ts';
import { encodeWindows } from '../store/codec.ts';
import { rowName } from '../store/keys.ts';
import { type Meta, newMeta } from '../store/meta.ts';
import { type Change, Store } from '../store/store.ts';
import { memoryAnchor } from '../testing/memory-anchor.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';
import { recover } from './recover.ts';

const minute = Date.UTC(2016, 4, 28, 11, 11);

function secondOf(count: number): Windows {
  const windows = allocateWindows(100);
  windows.counted.fill(1);
  windows.counts[0] = count;
  return windows;
}

const journal: Change[] = [
  { put: 'journal', start: minute, windows: secondOf(5) },
  { put: 'journal', start: minute + 1_000, windows: secondOf(7) },
];
const meta: Meta = { ...newMeta('test'), boot: 1, writes: 9, open: [{ start: minute, total: 12 }] };

describe('recover', () => {
  let store: Store;
  let anchor: Anchor;
  let journals: MemoryJournal;

  beforeEach(async () => {
    store = await Store.open(async () => new MemoryLevel<string, string>());
    anchor = memoryAnchor();
    journals = new MemoryJournal();
    await anchor.write(9);
    await store.write([...journal, { meta }], { sync: true });
  });

  it('recovers the open minute, its messages and its newest second', async () => {
    const recovered = await recover({ store, anchor, journals }, 'test');
    expect(recovered.messages).toBe(12);
    expect(recovered.newestEnd).toBe(minute + 2_000);
    expect([...recovered.minutes.all()].map(({ start }) => start)).toEqual([minute]);
  });

  it('starts with the oldest block of any period, or with damage', async () => {
    const oldest = async (change: Change): Promise<number> => {
      await store.write([change], { sync: true });
      return (await recover({ store, anchor, journals }, 'test')).oldest;
    };
    expect((await recover({ store, anchor, journals }, 'test')).oldest).toBe(minute);
    const [hour, day] = [minute - 11 * 60_000, Date.UTC(2016, 4, 28)];
    const counted = allocateWindows(1_440);
    counted.counted[600] = 1;
    expect(await oldest({ put: 'min', start: day, windows: counted })).toBe(day + 600 * 60_000);
    const seconds = allocateWindows(3_600);
    expect(await oldest({ put: 'sec', start: hour - 7_200_000, windows: seconds })).toBe(
      hour - 7_200_000,
    );
    const damaged = { put: 'min', start: day - 86_400_000, bytes: Buffer.from('damaged') } as const;
    expect(await oldest(damaged)).toBe(day - 86_400_000);
  });

  it('notes a block whose key a flipped bit has moved under its own time, as readers do', async () => {
    const day = Date.UTC(2016, 4, 27);
    const counted = allocateWindows(1_440);
    counted.counted[600] = 1;
    const moved = {
      put: 'min',
      start: day - 2 ** 34,
      bytes: encodeWindows(counted, rowName('min', day)),
    } as const;
    const seconds = allocateWindows(3_600);
    seconds.counted.fill(1, 0, 60);
    const [hour, movedHour] = [day + 600 * 60_000, day - 2 ** 33];
    await store.write(
      [
        moved,
        { put: 'sec', start: hour, windows: seconds },
        {
          put: 'sec',
          start: movedHour,
          bytes: encodeWindows(seconds, rowName('sec', hour + 3_600_000)),
        },
      ],
      { sync: true },
    );
    const { blocks, oldest } = await recover({ store, anchor, journals }, 'test');
    expect(blocks.damages).toEqual([
      { series: 'min', from: day, to: day + 86_400_000, reason: 'its block is missing' },
    ]);
    expect(oldest).toBe(day);
  });

  it('treats an empty folder as a new one', async () => {
    const empty = await Store.open(async () => new MemoryLevel<string, string>());
    const { meta: found, messages } = await recover(
      { store: empty, anchor: memoryAnchor(), journals },
      'test',
    );
    expect(found).toEqual(newMeta('test'));
    expect(messages).toBe(0);
  });

  it('refuses a folder with fewer writes than its anchor', async () => {
    await anchor.write(10);
    await expect(recover({ store, anchor, journals }, 'test')).rejects.toThrow(
      /got 9 writes, want at least 10/,
    );
  });

  it('refuses an empty folder that has an anchor', async () => {
    const empty = await Store.open(async () => new MemoryLevel<string, string>());
    await expect(recover({ store: empty, anchor, journals }, 'test')).rejects.toMatchObject({
      code: 'RETO3_DATA_CORRUPT',
    });
  });

  it('accepts the folder of a killed server that counted nothing', async () => {
    const folder = await Store.open(async () => new MemoryLevel<string, string>());
    const events = {
      clockStepped: () => undefined,
      stalled: () => undefined,
      damaged: () => undefined,
    };
    const clock = new VirtualClock(minute);
    const ring = new RingReader(allocate(1));
    const parts = { store: folder, anchor: memoryAnchor(), journals };
    const coordinator = await Coordinator.open({
      ...{ ...parts, clock, ring, events, workerCount: 1, node: 'm' },
    });
    await coordinator.prepare();
    for (let flush = 0; flush < 3; flush++) await coordinator.flush();
    const { meta: found, newestEnd } = await recover(parts, 'm');
    expect(found.writes).toBeGreaterThan(1);
    expect(newestEnd).toBe(0);
  });

  it('refuses a folder whose anchor is missing', async () => {
    await expect(recover({ store, anchor: memoryAnchor(), journals }, 'test')).rejects.toThrow(
      /ANCHOR is missing/,
    );
  });

  it('refuses a journal with a missing row', async () => {
    await store.write([{ delete: 'journal', start: minute + 1_000 }], { sync: true });
    await expect(recover({ store, anchor, journals }, 'test')).rejects.toThrow(
      /adds up to 5, want 12/,
    );
  });
});
