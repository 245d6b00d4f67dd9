import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import { seal } from './meta.ts';
import { parseKey } from './report-rows.ts';
import {
  decodeSource,
  isSourceKey,
  newSourceId,
  type SourcePosition,
  sourceRow,
} from './source-rows.ts';
import { Store } from './store.ts';

const position: SourcePosition = {
  id: newSourceId(),
  path: '/var/log/nginx/access.log',
  file: { device: '2049', inode: '1234567' },
  head: { bytes: 65_536, sha256: 'ab' },
  end: { bytes: 65_536, sha256: 'cd' },
  offset: 123_456,
  lines: 789,
  times: { from: 1_464_433_871_000, to: 1_464_433_872_000 },
};

describe('the row of a source', () => {
  it('decodes to its position, under its own key only', () => {
    const { key, bytes } = sourceRow(position);
    expect(decodeSource(key, bytes)).toEqual(position);
    expect(isSourceKey(key)).toBe(true);
    const other = sourceRow({ ...position, id: newSourceId() });
    expect(decodeSource(other.key, bytes)).toBeUndefined();
  });

  it('is damaged if a bit is flipped', () => {
    const { key, bytes } = sourceRow(position);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    expect(decodeSource(key, bytes)).toBeUndefined();
  });

  it('has the moment that is counted; rows of an earlier version have none', () => {
    const { key, bytes } = sourceRow({ ...position, moment: 'end' });
    expect(decodeSource(key, bytes)?.moment).toBe('end');
    expect(decodeSource(key, sourceRow(position).bytes)).toEqual(position);
  });

  it.each([
    { moment: 'middle' },
    { moment: null },
    { writing: { to: { moment: 'middle' }, through: 0 } },
    { writing: null },
  ])('is damaged if it has %j', (fields) => {
    const { key } = sourceRow(position);
    const bytes = Buffer.from(seal(JSON.stringify({ ...position, ...fields })));
    expect(decodeSource(key, bytes)).toBeUndefined();
  });

  it('has a key that no report has', () => {
    expect(parseKey(sourceRow(position).key)).toBeUndefined();
    expect(isSourceKey(Buffer.from('/top'))).toBe(false);
  });

  it('is read from the journal before the database', async () => {
    const store = await Store.open(async () => new MemoryLevel<string, string>());
    const { key, bytes } = sourceRow(position);
    await store.write([{ report: key, bytes }], { sync: true });
    const moved = { ...position, offset: 200_000, lines: 1_000 };
    store.hold([sourceRow(moved)]);
    expect(await store.sources()).toEqual([moved]);
    await store.write([{ report: key, bytes: Buffer.from('damaged') }], { sync: true });
    store.release(store.heldRows());
    await expect(store.sources()).rejects.toMatchObject({ code: 'RETO3_DATA_CORRUPT' });
    await store.close();
  });

  it('says which moments are counted, in which damage is no error', async () => {
    const store = await Store.open(async () => new MemoryLevel<string, string>());
    expect(await store.moments()).toEqual(new Set());
    const none = { bytes: 0, sha256: '' };
    const { times: _, ...uncounted } = position;
    const interrupted: SourcePosition = {
      ...{ ...uncounted, id: newSourceId(), end: none, offset: 0, lines: 0 },
      writing: { to: { ...position, moment: 'start' }, through: 0 },
    };
    // A row of a path has no messages.
    const ofPath = { ...uncounted, id: newSourceId(), ignored: [] };
    store.hold([sourceRow(interrupted), sourceRow(ofPath)]);
    expect(await store.moments()).toEqual(new Set(['start']));
    store.hold([sourceRow(position)]);
    expect(await store.moments()).toEqual(new Set(['start', undefined]));
    store.hold([{ ...sourceRow(position), bytes: Buffer.from('damaged') }]);
    expect(await store.moments()).toEqual(new Set(['start', undefined]));
    await store.close();
  });
});
