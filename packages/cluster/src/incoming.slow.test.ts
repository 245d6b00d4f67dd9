/** A hostile publisher: 100,000 mutated messages of every kind, by all ways to a merger. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { crc32 } from 'node:zlib';
import { ms10, sec, totalOf } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { readChunks } from '@reto3/engine';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeIncoming } from './incoming.ts';
import { MergedStore } from './merged-store.ts';
import { Merger } from './merger.ts';
import {
  counts,
  ListedStream,
  mutated,
  prefix,
  type Sent,
  secondOf,
  startMs,
  stream,
} from './testing/open-stream.ts';
import { silentLog } from './testing/silent-log.ts';

const [rounds, perRound] = [100, 1_000];
const mostBytes = 50 << 20;

it('leaves a merger alive, exact and small, which counts all bad messages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-hostile-'));
  const clock = new VirtualClock(startMs);
  const store = await MergedStore.open(folder, clock);
  const failures: unknown[] = [];
  const merger = new Merger({
    store,
    clock,
    silentAfterMs: 10_000,
    subjects: [prefix],
    request: () => Promise.reject(new Error('no node answers')),
    log: { ...silentLog, error: (...line: readonly unknown[]) => void failures.push(line) },
  });
  const listed = new ListedStream();
  const total = async (): Promise<number> => {
    const view = merger.view('honest');
    let sum = 0;
    const range = { from: startMs - 600_000, to: startMs + 600_000 };
    for await (const { windows } of readChunks(view, ms10, range)) sum += totalOf(windows);
    await view.store.close();
    return sum;
  };
  let [bad, forged, before] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const messages = fc.sample(mutated, { numRuns: perRound, seed: round });
    bad += messages.filter((sent) => isBad(sent, clock.wallMs)).length;
    forged += messages.filter(({ name, data }) => !isSealed(data, name)).length;
    const start = startMs - (round % 60) * sec.windowMs;
    const said = { revision: 10 + round, seconds: [{ start, packed: secondOf(1) }] };
    const byStream = messages.filter((_, index) => index % 3 === 0);
    listed.add([...byStream, counts('honest', said)]);
    await merger.run(listed.jetStream, stream);
    for (const [index, { name, data }] of messages.entries()) {
      if (index % 3 === 1) merger.takePast(prefix, name, data);
      if (index % 3 === 2) await merger.takeRead(name, data);
    }
    expect(await total()).toBe(100 * Math.min(round + 1, 60));
    clock.pass(10_000);
    if (round === 0) before = bytesInUse();
  }
  expect(bytesInUse() - before).toBeLessThan(mostBytes);
  expect(forged).toBeGreaterThan((rounds * perRound) / 10);
  expect(bad).toBeGreaterThan(forged);
  expect(merger.counters.badMessages).toBe(bad);
  await merger.stop();
  expect(failures).toEqual([]);
  await store.close();
  await rm(folder, { recursive: true });
}, 600_000);

function isBad({ name, data }: Sent, nowMs: number): boolean {
  try {
    const incoming = decodeIncoming(`${prefix}.${name}`, data, {
      subjects: prefix,
      nowMs,
    });
    return 'leftOut' in incoming && incoming.leftOut !== undefined;
  } catch {
    return true;
  }
}

/** Whether the checksum is valid. */
function isSealed(data: Uint8Array, name: string): boolean {
  if (data.length < 4) return false;
  const end = data.length - 4;
  const found = new DataView(data.buffer, data.byteOffset).getUint32(end, true);
  return found === crc32(data.subarray(0, end), crc32(name));
}

/** After a garbage collection. */
function bytesInUse(): number {
  setFlagsFromString('--expose_gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
