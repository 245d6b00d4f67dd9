/** What a merger may lack, what it says about that, and from when on it compares with the node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alignDown, min } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { HeldFolder } from '@reto3/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MergedStore } from './merged-store.ts';
import { Merger } from './merger.ts';
import type { NodeMessage } from './message.ts';
import { decodeRequest, encodeDigests, encodeRows, type ReadRequest } from './read-message.ts';
import {
  counts,
  ListedStream,
  prefix,
  reports,
  secondOf,
  startMs,
  stream,
} from './testing/open-stream.ts';
import { silentLog } from './testing/silent-log.ts';

describe('a merger', () => {
  let folder: string;
  let store: MergedStore;
  let merger: Merger;
  let clock: VirtualClock;
  let listed: ListedStream;
  let reads: ReadRequest[];
  let answers: boolean;
  let errors: unknown[];

  async function open(): Promise<void> {
    store = await MergedStore.open(folder, clock);
    merger = new Merger({
      ...{ store, clock, silentAfterMs: 10_000, subjects: [prefix] },
      request: async (_, __, bytes) => reply(decodeRequest(bytes)),
      log: { ...silentLog, error: (...line: readonly unknown[]) => void errors.push(line) },
    });
  }

  async function close(): Promise<void> {
    await merger.stop();
    await store.close();
  }

  /** The reply of a node that has nothing else. */
  function reply(request: ReadRequest): Uint8Array {
    if (!answers) throw new Error('no responders');
    reads.push(request);
    const nothing = { keptFrom: 0, lineage: 0, next: undefined, digests: [] };
    if (request.of === 'minutes') return encodeDigests(nothing);
    const isOfReports = request.of === 'reports' || request.of === 'rows';
    const said = isOfReports ? reports('a', { windows: [] }) : counts('a', { seconds: [] });
    return encodeRows({ message: said.data, next: undefined });
  }

  /** The node publishes once more. */
  async function publish(changes: Partial<NodeMessage> = {}): Promise<void> {
    listed.add([counts('a', changes)]);
    await read();
  }

  const read = () => merger.run(listed.jetStream, stream);

  /** Reads from the node until nothing is missing. */
  async function pull(): Promise<void> {
    const stop = new AbortController();
    const pulling = merger.pull(stop.signal);
    await vi.waitUntil(() => merger.unread().length === 0, 30_000);
    stop.abort();
    await pulling;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-merger-lack-'));
    clock = new VirtualClock(startMs);
    listed = new ListedStream();
    [reads, answers, errors] = [[], true, []];
    await open();
  });

  afterEach(async () => {
    await close();
    await rm(folder, { recursive: true });
  });

  it('says what it may lack', async () => {
    expect(merger.lack).toBe('the merger has not read the stream yet');
    await read();
    expect(merger.lack).toBeUndefined();
    await publish();
    expect(merger.lack).toBe('the merger may lack counts of 1 node');
    await pull();
    expect(merger.lack).toBeUndefined();
  });

  it('says nothing of a node that does not reply, and asks it again when the stream is found', async () => {
    await publish();
    answers = false;
    await pull();
    expect(merger.lack).toBeUndefined();
    answers = true;
    await read();
    expect(merger.lack).toBe('the merger may lack counts of 1 node');
    await pull();
    expect(reads).not.toEqual([]);
  });

  it.each([
    ['three minutes after it has found the stream again', 180_000, () => undefined],
    ['an hour after a gap in the stream', 3_600_000, () => listed.lose()],
    [
      'an hour after it has found another stream',
      3_600_000,
      () => {
        listed = new ListedStream();
        listed.created = 'tuesday';
      },
    ],
  ])('compares %s', async (_, lateMs, befall) => {
    await publish();
    await pull();
    reads.length = 0;
    befall();
    await publish();
    // Finding the stream once more makes it lack no less.
    await read();
    expect(merger.unread()).toEqual(['a']);
    await pull();
    const to = alignDown(startMs - 5_000, min.windowMs);
    const from = alignDown(startMs - lateMs, min.windowMs);
    expect(reads[0]).toEqual({ of: 'minutes', from, to });
  });

  it('logs that its list of nodes is damaged, and reads everything from them again', async () => {
    await publish();
    await close();
    const held = await new HeldFolder(join(folder, 'cluster'), 'merger').openStore();
    await held.write([{ merge: 'damaged' }], { sync: true });
    await held.close();
    await open();
    const text = 'damaged in the folder of the merger, and left out: its list of nodes';
    expect(errors).toEqual([[text]]);
    await read();
    await publish();
    await pull();
    const to = alignDown(startMs - 5_000, min.windowMs);
    expect(reads[0]).toEqual({ of: 'minutes', from: 0, to });
  });

  it('compares from the minute on of which a part in its folder is damaged', async () => {
    const minute = alignDown(startMs, min.windowMs) - 2 * 3_600_000;
    const second = [{ start: minute, packed: secondOf(1) }];
    await publish({ seconds: second });
    await close();
    const held = await new HeldFolder(join(folder, 'cluster'), 'merger').openStore();
    await held.write([{ part: 'a', start: minute, bytes: Uint8Array.of(1, 2, 3) }], { sync: true });
    await held.close();
    await open();
    await read();
    await pull();
    reads.length = 0;
    // A late message of the same minute.
    await publish({ revision: 8, seconds: second });
    expect(errors).toHaveLength(1);
    await pull();
    const to = alignDown(startMs - 5_000, min.windowMs);
    expect(reads[0]).toEqual({ of: 'minutes', from: minute, to });
  });
});
