/**
 * The metrics of every server: counts, writes, threads and the process. Every other metric is
 * defined by the part that it measures. deploy/monitoring/ has alert rules and a dashboard.
 */
import { type Clock, counter, gauge, histogram, type Metric, type MetricSource } from '@reto3/core';
import { bytesIn, type Coordinator } from '@reto3/engine';
import { type DelayHistogram, readDelay, watchDelay } from './event-loop-delay.ts';

const secondsPerMs = 0.001;
const msPerSecond = 1_000;
const microseconds = 1e6;

/**
 * Twice the usual scrape intervals of 15 s and 1 min, so that at least one scrape sees a burst even
 * if another fails.
 */
const peakSeconds = [30, 120] as const;

export function countingMetrics(coordinator: Coordinator, clock: Clock): MetricSource {
  return () => {
    coordinator.sweep();
    return [...messageMetrics(coordinator, clock), ...troubleMetrics(coordinator)];
  };
}

function messageMetrics(coordinator: Coordinator, clock: Clock): Metric[] {
  const { observations } = coordinator;
  const { messagesByWorker, finalThrough, startedAt } = coordinator.state();
  const now = clock.read().monotonicMs;
  return [
    counter(
      'reto3_messages_total',
      'Messages counted since the start.',
      messagesByWorker.map((value, worker) => ({ labels: { worker: String(worker) }, value })),
    ),
    histogram('reto3_window_messages', 'Messages in each final 10 ms window.', [
      { reading: observations.windowMessages.read() },
    ]),
    gauge(
      'reto3_window_messages_max',
      'Messages in the largest 10 ms window that became final within the time in the label over.',
      peakSeconds.map((seconds) => ({
        labels: { over: `${seconds}s` },
        value: observations.peak.over(seconds, now),
      })),
    ),
    counter(
      'reto3_late_messages_total',
      'Messages that arrived after their window was final: counted, but not in reto3_window_messages.',
      observations.lateMessages,
    ),
    histogram(
      'reto3_freshness_seconds',
      'Upper bound of the delay from the arrival of each message to its final, readable window.',
      [{ reading: observations.freshness.read(secondsPerMs) }],
    ),
    gauge(
      'reto3_final_through_timestamp_seconds',
      'End of the newest final window, Unix time.',
      finalThrough / msPerSecond,
    ),
    gauge(
      'reto3_counting_start_timestamp_seconds',
      'When this server started counting, Unix time.',
      startedAt / msPerSecond,
    ),
  ];
}

function troubleMetrics(coordinator: Coordinator): Metric[] {
  const { flushes, syncedFlushes, syncs, gaps, gapMs } = coordinator.observations;
  const state = coordinator.state();
  return [
    histogram(
      'reto3_flush_duration_seconds',
      'Duration of each successful write of the counts; fsync="yes" includes the fsync.',
      [
        { labels: { fsync: 'no' }, reading: flushes.read(secondsPerMs) },
        { labels: { fsync: 'yes' }, reading: syncedFlushes.read(secondsPerMs) },
      ],
    ),
    histogram('reto3_fsync_duration_seconds', 'Duration of each separate fsync.', [
      { reading: syncs.read(secondsPerMs) },
    ]),
    counter(
      'reto3_flush_failures_total',
      'Failed writes of the counts; counting continues in memory.',
      state.failedFlushes,
    ),
    gauge(
      'reto3_unsaved_messages',
      'Messages only in memory, not yet written.',
      state.messagesUnsaved,
    ),
    counter(
      'reto3_lost_messages_total',
      'Messages given up because the store failed for too long.',
      state.messagesLost,
    ),
    counter('reto3_clock_steps_total', 'Steps of the wall clock.', state.clockSteps),
    counter(
      'reto3_stalls_total',
      'Pauses of the process longer than the ring covers.',
      state.stalls,
    ),
    counter(
      'reto3_gaps_total',
      'Periods without counting, including the one before this start.',
      gaps,
    ),
    counter('reto3_gap_seconds_total', 'Total length of the gaps.', gapMs / msPerSecond),
    counter(
      'reto3_damaged_blocks_total',
      'Blocks found damaged or missing since the start, each once, 100 at most; reto3 audit checks all.',
      state.damagedBlocks.length,
    ),
  ];
}

export function storeMetrics(dataDir: string): MetricSource {
  return async () => [
    gauge('reto3_store_bytes', 'Bytes of the counts on disk.', await bytesIn(dataDir)),
  ];
}

/** The ingest workers whose event loops are measured. */
interface Workers {
  /** By worker; undefined until its measurement has started. */
  delays(): readonly (DelayHistogram | undefined)[];
}

/** Measures from the first scrape on. */
export function threadMetrics(workers: Workers): MetricSource {
  let main: DelayHistogram | undefined;
  return () => {
    main ??= watchDelay();
    const ingest = workers
      .delays()
      .map((delays, worker) => ({ thread: `ingest-${worker}`, delays }));
    const readings = [{ thread: 'main', delays: main }, ...ingest].flatMap(({ thread, delays }) =>
      delays === undefined ? [] : [{ labels: { thread }, reading: readDelay(delays) }],
    );
    return [
      histogram(
        'reto3_event_loop_delay_seconds',
        'Event loop lateness of each thread, sampled every 20 ms from the first scrape on.',
        readings,
      ),
    ];
  };
}

/** With the names that Prometheus client libraries use. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    counter(
      'process_cpu_seconds_total',
      'User and system CPU time of all threads.',
      (user + system) / microseconds,
    ),
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    gauge(
      'process_start_time_seconds',
      'Start of the process, Unix time.',
      performance.timeOrigin / msPerSecond,
    ),
  ];
}
