/** Starts the store, the coordinator, its flushes and retention. */
import { damageMessage, messageOf, type PeriodName, systemClock } from '@reto3/core';
import { Coordinator, firstWriteFailure, HeldFolder, Retention, type Store } from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { ReportLedgers } from '@reto3/reports';
import type { LoadedReport } from '@reto3/reports/load';
import type { IngestFacts } from '../api/health.ts';
import type { QueryApi } from '../api/server.ts';
import type { IngestWorkers } from '../ingest/workers.ts';
import type { Start } from './start.ts';

/** The counts and the reports. */
export interface Counts {
  readonly coordinator: Coordinator;
  readonly ledgers: ReportLedgers;
  readonly memory: SharedArrayBuffer;
  readonly store: Store;
}

/** Locks the store and recovers the journal. */
export async function openCounts(start: Start, reports: readonly LoadedReport[]): Promise<Counts> {
  const { config, dataDir, log, shutdown, late } = start;
  const folder = new HeldFolder(dataDir);
  const store = await folder.openStore();
  shutdown.add('store', () => store.close());
  const memory = allocate(config.workers);
  const coordinator = await Coordinator.open({
    clock: systemClock,
    lateMs: config.tail === undefined ? 0 : config.tailLate,
    ring: new RingReader(memory),
    workerCount: config.workers,
    store,
    anchor: folder.anchor,
    journals: folder.journals,
    flush: config,
    node: config.node,
    events: {
      clockStepped: (stepMs) => log.warn({ stepMs }, 'the wall clock stepped'),
      stalled: () => log.warn('the process stalled for longer than the ring covers'),
      damaged: (damage) => log.error(`${damageMessage(damage)}; run reto3 doctor --repair`),
    },
  });
  // Follows the recovery of the journal, which holds rows of reports that the database does not
  // have yet.
  const ledgers = await openLedgers(start, store, reports);
  coordinator.join(ledgers);
  if (config.archive)
    coordinator.join({
      written: (written) => late.archive?.stored(written),
      gaveUp: (flush) => late.archive?.gaveUp(flush),
    });
  if (!coordinator.state().cleanBefore)
    log.warn('the previous server was killed; its journal has been recovered');
  return { coordinator, ledgers, memory, store };
}

function openLedgers(
  { config, ingests, log, late }: Start,
  store: Store,
  reports: readonly LoadedReport[],
): Promise<ReportLedgers> {
  // A server that only merges gets no messages; it needs reports to read the rows that nodes
  // publish.
  const running = ingests ? reports.map(({ report }) => report) : [];
  const events = {
    switchedOff: (report: string, reason: string) => {
      log.error({ report }, `report ${report} is switched off: ${reason}; counting continues`);
      late.workers?.switchOff(report);
    },
    damaged: (report: string, period: PeriodName, start: number, reason: string) =>
      log.error({ report, period, start }, `cannot read a row of report ${report}: ${reason}`),
    erred: (report: string, error: string) =>
      log.warn(
        { report },
        `report ${report} failed on a message: ${error}; see reto3 reports --errors`,
      ),
  };
  return ReportLedgers.open(running, store, systemClock, events, config.reportChanged);
}

/** Writes and syncs once, to prove that the store works before anything is answered. */
export async function writeFirst(start: Start, { coordinator, ledgers }: Counts): Promise<void> {
  const { dataDir, log, shutdown } = start;
  ledgers.begin(coordinator.endBefore);
  await coordinator.prepare().catch((error: unknown) => {
    throw firstWriteFailure(dataDir, error);
  });
  shutdown.add('reports', () => ledgers.end());
  shutdown.add('coordinator', () =>
    coordinator.stop().catch((error: unknown) => {
      const { messagesUnsaved, messagesLost } = coordinator.state();
      const lost = messagesUnsaved + messagesLost;
      if (lost > 0)
        log.error({ messagesLost: lost }, `cannot write ${lost} messages: they are lost`);
      throw error;
    }),
  );
}

interface FlushingParts {
  readonly coordinator: Coordinator;
  readonly workers: IngestWorkers;
  readonly api: QueryApi;
  /** What the query API reports about the ingest port when ready. */
  readonly facts: IngestFacts;
}

export function startFlushing(
  { config, log, shutdown }: Start,
  { coordinator, workers, api, facts }: FlushingParts,
): void {
  const durable = config.ack === 'durable';
  const { flusher } = coordinator;
  flusher.observe({
    flushed: (flush) => {
      if (durable) workers.flushed(flush);
    },
    failed: (error) => {
      const reason = `cannot write the counts: ${messageOf(error)}`;
      log.error({ err: error }, `${reason}; counting in memory, retrying`);
      api.notReady(reason);
      workers.storeFailing(true);
    },
    recovered: () => {
      log.info('the store has recovered; all counts are written');
      if (!shutdown.begun) api.ready(facts);
      workers.storeFailing(false);
    },
  });
  shutdown.add('flusher', () => flusher.pause());
  // If the commit succeeds, pending messages are answered; otherwise their connections close
  // without an answer.
  if (durable)
    shutdown.add('waitingAnswers', () =>
      coordinator.commit().then(
        (flush) => workers.flushed(flush),
        () => undefined,
      ),
    );
  flusher.start();
}

export function startRetention({ config, log, shutdown }: Start, coordinator: Coordinator): void {
  const retain = { ms10: config.retainMs10, sec: config.retainSec, min: config.retainMin };
  const retention = new Retention(coordinator, systemClock, retain, {
    deleted: (period, beforeMs) =>
      log.info({ period, before: new Date(beforeMs).toISOString() }, 'deleted old blocks'),
    failed: (error) => log.warn({ err: error }, 'cannot delete old blocks; retrying'),
  });
  shutdown.add('retention', () => retention.stop());
  retention.start();
}
