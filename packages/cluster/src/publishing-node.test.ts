/** What a server says about its folder when it begins to publish, and the order of its records. */
import { VirtualClock } from '@reto3/core/testing';
import {
  Coordinator,
  neverPublished,
  newMeta,
  type Published,
  Store,
  type Stretch,
} from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { MemoryJournal, memoryAnchor } from '@reto3/engine/testing';
import { ReportLedgers } from '@reto3/reports';
import { MemoryLevel } from 'memory-level';
import { expect, it, vi } from 'vitest';
import { Link } from './link.ts';
import { decodeMessage } from './message.ts';
import type { JetStream } from './nats.ts';
import type { ClusterParts } from './options.ts';
import { PublishingNode } from './publishing-node.ts';
import { decodeDigests, encodeRequest } from './read-message.ts';
import { isReportMessage } from './report-message.ts';
import { MemoryBucket } from './testing/memory-bucket.ts';
import { silentLog } from './testing/silent-log.ts';

const wallMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const minuteMs = 60_000;
const ignored = () => undefined;

interface Folder {
  readonly cluster?: Published;
  readonly gone?: readonly Stretch[];
  /** The end of the ms10 windows that retention has deleted, epoch ms. */
  readonly deletedBefore?: number;
}

/** A server on a folder, with a register and a stream in memory. */
async function nodeOn({ cluster, gone = [], deletedBefore = 0 }: Folder) {
  const clock = new VirtualClock(wallMs);
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const deleted = { ms10: deletedBefore, sec: 0, min: 0 };
  const meta = { ...newMeta('a'), deletedBefore: deleted, ...(cluster && { cluster }) };
  await store.write([{ gone: { ms10: gone, sec: [], min: [] } }, { meta }], { sync: true });
  const coordinator = await Coordinator.open({
    ...{ clock, store, node: 'a', workerCount: 1, ring: new RingReader(allocate(1)) },
    ...{ anchor: memoryAnchor(), journals: new MemoryJournal() },
    events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
  });
  const events = { switchedOff: ignored, damaged: ignored, erred: ignored };
  const ledgers = await ReportLedgers.open([], store, clock, events);
  const link = new Link({}, ['s'], { failed: ignored, connected: ignored, reconnected: ignored });
  const onRequest = vi.spyOn(link, 'onRequest');
  const settings = { node: 'a' } as ClusterParts['settings'];
  const parts = { settings, coordinator, ledgers, reports: [], dataDir: '/a', clock };
  const quiet = { failed: ignored, recovered: ignored };
  const node = new PublishingNode({ ...parts, log: silentLog }, link, quiet);
  await coordinator.prepare();
  coordinator.count();
  const [leases, records] = [new MemoryBucket(), new MemoryBucket()];
  const published: Uint8Array[] = [];
  const publish = async (_: string, bytes: Uint8Array) => void published.push(bytes);
  const client = { publish };
  const jetStream = { client, leases: leases.kv, records: records.kv } as unknown as JetStream;
  return {
    node,
    coordinator,
    client,
    leases,
    records,
    claim: () => node.claimName(jetStream),
    /** Its first message of counts since the last call. */
    async said() {
      published.length = 0;
      clock.pass(2_000);
      await coordinator.flush();
      const counts = await vi.waitUntil(() => published.find((bytes) => !isReportMessage(bytes)));
      return decodeMessage(counts, 'a');
    },
    /** What it replies to a merger. */
    async reply(bytes: Uint8Array): Promise<Uint8Array> {
      node.listen();
      const answer = onRequest.mock.lastCall?.[1];
      if (answer === undefined) throw new Error('BUG: it does not listen');
      return answer(bytes);
    },
  };
}

/** Of a folder that `reto3 restore` made, whose first boot vouches for all time. */
const restored = { ...neverPublished, node: 'a' };

it('vouches for nothing that a repair could not save', async () => {
  const to = wallMs - 30 * minuteMs;
  const { claim, said } = await nodeOn({ cluster: restored, gone: [{ from: 0, to }] });
  await claim();
  expect(await said()).toMatchObject({ boot: wallMs, vouchedFrom: to });
});

it('vouches for nothing that retention deleted, and tells mergers what it keeps', async () => {
  const deletedBefore = wallMs - 60 * minuteMs;
  const { claim, said, reply } = await nodeOn({ cluster: restored, deletedBefore });
  await claim();
  expect(await said()).toMatchObject({ boot: wallMs, vouchedFrom: deletedBefore });
  const request = encodeRequest({ of: 'minutes', from: 0, to: wallMs });
  expect(decodeDigests(await reply(request))).toMatchObject({ keptFrom: deletedBefore });
});

it('has its boot in the folder, then in the register, and only then in the stream', async () => {
  const { claim, said, coordinator, records, client } = await nodeOn({});
  const registered = (): boolean => records.entries.has('boot.a');
  const seen: string[] = [];
  const save = coordinator.savePublished.bind(coordinator);
  vi.spyOn(coordinator, 'savePublished').mockImplementation(async (published) => {
    await save(published);
    seen.push(`folder ${published.boot}, registered: ${registered()}`);
  });
  const publish = vi.spyOn(client, 'publish');
  publish.mockImplementationOnce(async () => {
    seen.push(`stream, registered: ${registered()}`);
  });
  await claim();
  await said();
  expect(seen).toEqual([`folder ${wallMs}, registered: false`, 'stream, registered: true']);
});

it('begins a later boot after another server had its name', async () => {
  const { claim, said, leases, records } = await nodeOn({});
  await claim();
  await said();
  leases.entries.clear();
  const boot = wallMs + 5 * minuteMs;
  records.write('boot.a', { boot });
  await claim();
  expect(await said()).toMatchObject({ boot: boot + 1, vouchedFrom: 0 });
});

it('publishes nothing while another server has its name', async () => {
  const { claim, leases, node } = await nodeOn({});
  leases.write('a', { instance: 'two', place: 'there' });
  expect(await claim()).toMatch(/^another server publishes as a: there/);
  expect(node.state.messages).toBe(0);
});
