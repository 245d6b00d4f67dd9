/**
 * The first start on a folder of an earlier version on the simulated disk: the power fails at every
 * operation, and what the disk then has opens, with every message.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { periods, totalOf } from '@reto3/core';
import { Random, VirtualClock } from '@reto3/core/testing';
import { expect, it } from 'vitest';
import { Coordinator } from '../coordinator/coordinator.ts';
import { readChunks } from '../query/chunks.ts';
import { allocate } from '../ring/layout.ts';
import { RingReader } from '../ring/ring.ts';
import { anchorIn } from '../store/anchor.ts';
import { openDatabase } from '../store/database.ts';
import { allTime, Store } from '../store/store.ts';
import { stepped } from '../testing/disk-steps.ts';
import { releasedFolders, unpackReleased } from '../testing/released-folder.ts';
import { SimulatedDisk } from './disk.ts';

/** So many power cuts at each operation, each of which leaves other unsynced writes. */
const cuts = 8;

type Content = Parameters<SimulatedDisk['fill']>;

async function contentOf(dataDir: string): Promise<Content> {
  const database = await openDatabase(dataDir);
  const options = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const rows = await database.iterator<Buffer, Buffer>(options).all();
  await database.close();
  return [rows, await anchorIn(dataDir).read()];
}

/**
 * Starts on the disk, and stops cleanly. Returns the messages that it finds, in each period.
 * @param before called before each operation on the disk
 */
async function upgrade(
  disk: SimulatedDisk,
  wallMs: number,
  before: () => void = () => undefined,
): Promise<number[]> {
  const store = await Store.open(() => stepped(disk, before).open());
  const coordinator = await Coordinator.open({
    clock: new VirtualClock(wallMs),
    ring: new RingReader(allocate(1)),
    workerCount: 1,
    store,
    anchor: stepped(disk.anchor, before),
    journals: stepped(disk.journals, before),
    node: 'upgraded',
    events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
  });
  await coordinator.prepare();
  const found = await messagesIn(coordinator);
  await coordinator.stop();
  await store.close();
  return found;
}

async function messagesIn(coordinator: Coordinator): Promise<number[]> {
  const view = coordinator.view();
  const messages: number[] = [];
  for (const period of Object.values(periods)) {
    let sum = 0;
    for await (const { windows } of readChunks(view, period, allTime)) sum += totalOf(windows);
    messages.push(sum);
  }
  await view.store.close();
  return messages;
}

/** Cuts the power before an operation. Returns false if the upgrade has fewer operations. */
async function cutPowerAt(
  disk: SimulatedDisk,
  operation: number,
  wallMs: number,
): Promise<boolean> {
  let operations = 0;
  await new Promise<void>((resolve, reject) => {
    const count = (): void => {
      operations++;
      if (operations < operation) return;
      resolve();
      // Without power, the program does nothing more.
      throw new Error('the power is cut');
    };
    upgrade(disk, wallMs, count).then(() => resolve(), reject);
  });
  disk.cutPower();
  return operations >= operation;
}

it.each(releasedFolders())('a power cut during the upgrade of %s loses nothing', async (name) => {
  const parent = await mkdtemp(join(tmpdir(), 'reto3-upgrade-'));
  const { dataDir, answers } = unpackReleased(name, parent);
  const content = await contentOf(dataDir);
  await rm(parent, { recursive: true });
  const starts = Object.keys(answers.min).map(Number);
  const wallMs = Math.max(...starts) + 10 * periods.min.windowMs;
  const messages = Object.values(answers.min).reduce((sum, count) => sum + count, 0);
  let operation = 1;
  for (let isCut = true; isCut; operation++) {
    for (let seed = 1; seed <= cuts; seed++) {
      const disk = new SimulatedDisk(new Random(seed));
      disk.fill(...content);
      isCut = await cutPowerAt(disk, operation, wallMs);
      const found = await upgrade(disk, wallMs);
      expect(found, `operation ${operation}, seed ${seed}`).toEqual([messages, messages, messages]);
    }
  }
  // At least the journal, its record and fsync, the batch, and the anchor.
  expect(operation).toBeGreaterThan(10);
});
