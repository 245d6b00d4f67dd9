/**
 * The metrics that every server has: its counts, its writing, its threads and the process. What a
 * part adds of its own stands with that part. deploy/monitoring/ has rules and a dashboard made of them.
 */
import { type Clock, counter, gauge, histogram, type Metric, type MetricSource } from '@reto3/core';
import { bytesIn, type Coordinator } from '@reto3/engine';
import { type DelayHistogram, readDelay, watchDelay } from './event-loop-delay.ts';

const secondsPerMs = 0.001;
const msPerSecond = 1_000;
const microseconds = 1e6;

/**
 * The largest window is told over twice the usual times between scrapes, 15 s and 1 min: a burst is
 * seen by one scrape at least, also where one fails.
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
      'Messages that were counted since the start.',
      messagesByWorker.map((value, worker) => ({ labels: { worker: String(worker) }, value })),
    ),
    histogram('reto3_window_messages', 'Messages in each 10 ms window, as it became final.', [
      { reading: observations.windowMessages.read() },
    ]),
    gauge(
      'reto3_window_messages_max',
      'Messages in the largest 10 ms window that became final in the time in the label, until now.',
      peakSeconds.map((seconds) => ({
        labels: { over: `${seconds}s` },
        value: observations.peak.over(seconds, now),
      })),
    ),
    counter(
      'reto3_late_messages_total',
      'Messages that came after their window was final, so they are in its count but not in reto3_window_messages.',
      observations.lateMessages,
    ),
    histogram(
      'reto3_freshness_seconds',
      'Upper bound of the time from the arrival of each message to its window being final and readable.',
      [{ reading: observations.freshness.read(secondsPerMs) }],
    ),
    gauge(
      'reto3_final_through_timestamp_seconds',
      'End of the newest final window, Unix time.',
      finalThrough / msPerSecond,
    ),
    gauge(
      'reto3_counting_start_timestamp_seconds',
      'Since when this server counts, Unix time.',
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
      'Time that each successful write of the counts took; with fsync="yes" until it was on the disk.',
      [
        { labels: { fsync: 'no' }, reading: flushes.read(secondsPerMs) },
        { labels: { fsync: 'yes' }, reading: syncedFlushes.read(secondsPerMs) },
      ],
    ),
    histogram('reto3_fsync_duration_seconds', 'Time that each fsync beside the writes took.', [
      { reading: syncs.read(secondsPerMs) },
    ]),
    counter(
      'reto3_flush_failures_total',
      'Writes of the counts that failed; counting goes on in memory.',
      state.failedFlushes,
    ),
    gauge(
      'reto3_unsaved_messages',
      'Messages that are in memory and in no write that succeeded yet.',
      state.messagesUnsaved,
    ),
    counter(
      'reto3_lost_messages_total',
      'Messages that were given up because the store failed for too long.',
      state.messagesLost,
    ),
    counter('reto3_clock_steps_total', 'Times that the wall clock stepped.', state.clockSteps),
    counter(
      'reto3_stalls_total',
      'Times that the process stood still for longer than the ring reaches back.',
      state.stalls,
    ),
    counter(
      'reto3_gaps_total',
      'Times that nobody was counting, the one before this start among them.',
      gaps,
    ),
    counter('reto3_gap_seconds_total', 'How long the gaps were together.', gapMs / msPerSecond),
    counter(
      'reto3_damaged_blocks_total',
      'Blocks that were found damaged or missing since the start, each once, at most 100; reto3 audit reads all.',
      state.damagedBlocks.length,
    ),
  ];
}

export function storeMetrics(dataDir: string): MetricSource {
  return async () => [
    gauge('reto3_store_bytes', 'Bytes on disk of the counts.', await bytesIn(dataDir)),
  ];
}

/** Whoever can tell how late the event loops of the ingest workers are. */
interface Workers {
  /** Of each worker, by number; undefined until its measurement has begun. */
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
        'How late the event loop of each thread was, looked at every 20 ms since the first scrape.',
        readings,
      ),
    ];
  };
}

/** Named as Prometheus' own client libraries name them. */
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
