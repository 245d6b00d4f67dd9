import { VirtualClock } from '@reto3/core/testing';
import { Coordinator, neverPublished, Store } from '@reto3/engine';
import { addMessage, allocate, RingReader, stripeOf } from '@reto3/engine/ring';
import { noAnchor } from '@reto3/engine/src/store/anchor.ts';
import { MemoryJournal } from '@reto3/engine/testing';
import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { decodeMessage } from './message.ts';
import { Publisher } from './publisher.ts';

const wallMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const ignored = () => undefined;

/** A node that publishes into `published`: the starts of the seconds of each message. */
async function startNode() {
  const clock = new VirtualClock(wallMs);
  const memory = allocate(1);
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const coordinator = await Coordinator.open({
    clock,
    ring: new RingReader(memory),
    workerCount: 1,
    store,
    anchor: noAnchor(),
    journals: new MemoryJournal(),
    node: 'a',
    events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
  });
  const publisher = new Publisher({
    node: 'a',
    source: coordinator,
    clock,
    published: neverPublished,
    newestEnd: coordinator.endBefore,
    events: { failed: ignored, recovered: ignored, damaged: ignored },
  });
  coordinator.join(publisher);
  await coordinator.prepare();
  coordinator.count();
  let published: number[] = [];
  const publish = async (bytes: Uint8Array): Promise<void> => {
    published.push(...decodeMessage(bytes, 'a').seconds.map(({ start }) => start));
  };
  publisher.begin({ boot: 1, vouchedFrom: wallMs }, { publish }, false);
  return {
    publisher,
    /** Counts a message in each of so many seconds; returns the seconds that were published. */
    async pass(seconds: number): Promise<ReadonlySet<number>> {
      published = [];
      for (let second = 0; second < seconds; second++) {
        addMessage(stripeOf(memory, 0), clock.wallMs);
        clock.pass(1_000);
        await coordinator.flush();
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      }
      return new Set(published);
    },
  };
}

it('publishes again what was acknowledged in the last three minutes, and nothing older', async () => {
  const node = await startNode();
  const before = await node.pass(400);
  expect(before).toContain(wallMs);
  const since = node.publisher.repeat();
  const again = await node.pass(1);
  expect(since).toBeGreaterThan(wallMs);
  expect(Math.min(...again)).toBe(since);
  for (let ago = 1; ago <= 180; ago++) expect(again).toContain(wallMs + (400 - ago) * 1_000);
});

it('publishes it again once, also where NATS fails twice meanwhile', async () => {
  const node = await startNode();
  await node.pass(10);
  expect(node.publisher.repeat()).toBe(wallMs);
  expect(node.publisher.repeat()).toBeUndefined();
  expect(await node.pass(1)).toContain(wallMs);
  expect(await node.pass(1)).not.toContain(wallMs);
});
