/** Settings of counting: threads, acknowledgements, writes and retention. */
import { ackModes } from '@reto3/core';
import { availableCores } from '../available-cores.ts';
import type { SettingTable } from '../setting.ts';
import { duration, filePath, oneOf, size, wholeNumber } from '../setting-values.ts';

/**
 * A thread answers about 100,000 requests/s, takes 11 MB, and adds a stripe of counters to every sweep.
 * For more load, set --workers.
 */
const maxDefaultWorkers = 16;

/** One core is left to the coordinator. */
export function defaultWorkers(cores: number): number {
  return Math.max(1, Math.min(maxDefaultWorkers, cores - 1));
}

export const countingSettings = {
  dataDir: {
    flag: 'data-dir',
    summary: 'folder for the counts and the archive',
    value: 'FOLDER',
    fallback: './data',
    parse: filePath,
    unit: 'path',
    more: "on a disk of its own, other programs' fsyncs do not delay it",
  },
  workers: {
    flag: 'workers',
    summary: 'threads that handle requests',
    value: 'N',
    // A getter, so that other commands need not read system files.
    get fallback() {
      return String(defaultWorkers(availableCores()));
    },
    fallbackText: 'available cores - 1, from 1 to 16',
    parse: wholeNumber(1, 256),
    unit: "threads; a cgroup's CPU quota limits the available cores",
    more: 'more requests/s, until the coordinator has no core left and sweeps late',
    less: 'fewer requests/s; more CPU for other programs',
  },
  ack: {
    flag: 'ack',
    summary: 'when to answer: memory (counted; kill -9 may lose one flush) or durable (on disk)',
    value: ackModes.join('|'),
    fallback: 'memory',
    parse: oneOf(ackModes),
    unit: 'mode',
    more: '`durable`: the count is on disk before the answer; each answer waits for an fsync',
    less: '`memory`: answers once counted; `kill -9` may lose one flush interval',
  },
  /** In bytes. */
  maxBody: {
    flag: 'max-body',
    summary: 'largest body, else the connection is closed: a number and B, KB, MB or GB',
    value: 'SIZE',
    fallback: '1MB',
    parse: size('0B', '1GB'),
    unit: 'size',
    more: 'accepts and counts larger bodies',
    less: 'closes the connection of a larger body as soon as its size is known, uncounted and without an answer',
  },
  /** In milliseconds. */
  flushMs: {
    flag: 'flush-ms',
    summary: 'milliseconds between journal writes: what kill -9 may lose',
    value: 'MS',
    fallback: '50',
    // The ring covers 71 s, so a longer interval would leave too little reserve.
    parse: wholeNumber(10, 10_000),
    unit: 'milliseconds',
    more: 'fewer writes; `kill -9` may lose more in memory mode',
    less: 'loses less; more writes. An idle server writes once a second',
  },
  /** In milliseconds; Infinity means forever. */
  retainMs10: {
    flag: 'retain-ms10',
    summary: 'how long to keep 10 ms windows: a number and s, m, h, d or y, or forever',
    value: 'TIME',
    fallback: '30d',
    // A closing minute updates blocks that retention must not have deleted yet: a block covers a
    // minute here, an hour and a day below.
    parse: duration('1h'),
    unit: 'time',
    more: 'about 5.4 MB a day at 5,000 messages/s',
    less: 'less disk; only seconds and minutes of older time',
  },
  /** In milliseconds; Infinity means forever. */
  retainSec: {
    flag: 'retain-sec',
    summary: 'how long to keep seconds; at least as long as the 10 ms windows',
    value: 'TIME',
    fallback: '1y',
    parse: duration('1d'),
    unit: 'time',
    more: 'about 0.1 MB a day',
    less: 'less disk; only minutes of older time',
  },
  /** In milliseconds; Infinity means forever. */
  retainMin: {
    flag: 'retain-min',
    summary: 'how long to keep minutes; at least as long as the seconds',
    value: 'TIME',
    fallback: 'forever',
    parse: duration('1d'),
    unit: 'time',
    more: 'about 2.4 KB a day: little reason to delete them',
    less: 'nothing of older time',
  },
} as const satisfies SettingTable;
