/** The part of a server in a cluster whose NATS cannot be reached. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { Coordinator, Store } from '@reto3/engine';
import { addMessage, allocate, RingReader, stripeOf } from '@reto3/engine/ring';
import { MemoryJournal, memoryAnchor } from '@reto3/engine/testing';
import { ReportLedgers } from '@reto3/reports';
import { newMessage } from '@reto3/reports/report';
import { WorkerReports } from '@reto3/reports/worker';
import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';
import { messagesReport } from './testing/messages-report.ts';
import { silentLog } from './testing/silent-log.ts';

const wallMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const ignored = () => undefined;

const settings: ClusterOptions = {
  ...{ node: 'a', usualNode: 'a', role: 'ingest', silentAfter: 10_000 },
  // Nothing listens there.
  nats: ['nats://127.0.0.1:1'],
  ...{ natsStream: 'S', natsSubject: 's', natsGroup: undefined, natsReplicas: undefined },
  ...{ natsStorage: 'file', natsMaxAge: 3_600_000, natsCreds: undefined, natsUser: undefined },
  ...{ natsPasswordFile: undefined, natsTokenFile: undefined },
  ...{ natsCa: undefined, natsCert: undefined, natsKey: undefined },
  ...{ retainMs10: Infinity, retainSec: Infinity, retainMin: Infinity },
};

it.each([
  ['4 s of counts', []],
  ['4 s of counts and some rows of reports', [messagesReport]],
])('says at its stop what did not reach the cluster: %s', async (what, reports) => {
  const clock = new VirtualClock(wallMs);
  const memory = allocate(1);
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const coordinator = await Coordinator.open({
    ...{ clock, store, node: 'a', workerCount: 1, ring: new RingReader(memory) },
    ...{ anchor: memoryAnchor(), journals: new MemoryJournal() },
    events: { clockStepped: ignored, stalled: ignored, damaged: ignored },
  });
  const events = { switchedOff: ignored, damaged: ignored, erred: ignored };
  const ledgers = await ReportLedgers.open(reports, store, clock, events);
  const worker = new WorkerReports(reports);
  coordinator.join(ledgers);
  const askForReports = (number: number): void =>
    queueMicrotask(() => ledgers.receive(0, number, worker.drain()));
  ledgers.connect({ workerCount: 1, askForReports });
  ledgers.begin(coordinator.endBefore);
  const dataDir = await mkdtemp(join(tmpdir(), 'reto3-cluster-'));
  const warned: unknown[] = [];
  const log = { ...silentLog, warn: (...line: readonly unknown[]) => void warned.push(line) };
  const cluster = await Cluster.open({
    ...{ settings, coordinator, ledgers, reports, dataDir, clock, log },
  });
  await coordinator.prepare();
  coordinator.count();
  cluster.begin();
  // The fourth one has begun.
  for (let second = 0; second < 3; second++) {
    addMessage(stripeOf(memory, 0), clock.wallMs);
    worker.add(newMessage({ arrivedMs: clock.wallMs }));
    clock.pass(1_000);
    await coordinator.flush();
  }
  warned.length = 0;
  await coordinator.stop();
  await cluster.stop();
  const text = `stopped with ${what} that did not reach the cluster; the next start on this folder publishes them`;
  expect(warned).toContainEqual([{ secondsPending: 4 }, text]);
  await rm(dataDir, { recursive: true });
});
