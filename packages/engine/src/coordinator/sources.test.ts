/** A crash keeps both the messages of a followed log and its position, or neither. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sec } from '@reto3/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../query/audit.ts';
import { readChunks } from '../query/chunks.ts';
import { DataFolder } from '../query/data-folder.ts';
import { type SourcePosition, sourceRow } from '../store/source-rows.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);

function position(offset: number): SourcePosition {
  const none = { bytes: 0, sha256: '' };
  const source = { id: '0123456789abcdef', path: 'a.log', head: none, end: none };
  const times = { from: startMs, to: startMs };
  return { ...source, offset, lines: 0, times, moment: 'end' };
}

describe('messages of a followed log', () => {
  let folder: string;
  let server: VirtualServer;
  let offset = 0;
  let written = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-sources-'));
    offset = written = 0;
    server = await VirtualServer.in(folder, startMs);
    follow();
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  function follow(): void {
    server.coordinator.join({
      rows: () => {
        if (offset === written) return [];
        written = offset;
        return [sourceRow(position(offset))];
      },
      moments: () => (offset === 0 ? [] : ['end']),
      rewriteAll: () => {
        written = 0;
      },
    });
  }

  /** Ten messages, each a line of a byte. */
  function read(timeMs: number, secondsOnly: boolean): void {
    server.coordinator.add(timeMs, 10, secondsOnly);
    offset += 10;
  }

  it('say which moment they mark as soon as there are any, and after a restart', async () => {
    expect(server.coordinator.moment).toBeUndefined();
    read(startMs + 15, false);
    expect(server.coordinator.moment).toBe('end');
    await server.coordinator.flush();
    await server.store.close();
    server = await VirtualServer.in(folder, startMs + 1_000);
    expect(server.coordinator.moment).toBe('end');
    server.coordinator.join({ moments: () => ['start'] });
    const view = server.coordinator.view();
    expect(view.moment).toBe('mixed');
    await view.store.close();
    await server.store.close();
  });

  it('are in the record with the position after them', async () => {
    read(startMs + 15, false);
    await server.coordinator.flush();
    read(startMs + 25, false);
    // As after kill -9: no record has the second ten.
    await server.store.close();
    await DataFolder.with(folder, async ({ recovered, store }) => {
      expect(recovered.messages).toBe(10);
      expect(await store.sources()).toEqual([position(10)]);
    });
  });

  it('agree in all periods if their clock ticks in seconds, in journal and blocks', async () => {
    read(startMs, true);
    await server.count(1);
    read(startMs + 1_000, true);
    await server.count(70);
    read(startMs + 71_000, true);
    await server.coordinator.flush();
    await server.store.close();
    await DataFolder.with(folder, async (data) => {
      const messages = 30 + 71 * perSecond;
      expect(data.recovered.messages).toBe(messages);
      expect(await data.store.sources()).toEqual([position(30)]);
      const view = await data.view(sec, startMs);
      const counted = { messagesInAll: messages, messagesSinceStart: 0 };
      const found = await audit(view, counted, {}, startMs);
      expect(found).toMatchObject({ ok: true, messages: { ms10: messages, sec: messages } });
      const seconds: number[] = [];
      const range = { from: startMs, to: startMs + 72_000 };
      for await (const { windows } of readChunks(view, sec, range)) seconds.push(...windows.counts);
      expect([seconds[0], seconds[1], seconds[2], seconds[71]]).toEqual([17, 17, 7, 10]);
      await view.store.close();
    });
  });
});
