/** Settings of counting: threads, answers, writes, and how long counts are kept. */
import { ackModes } from '@reto3/core';
import { availableCores } from '../available-cores.ts';
import type { SettingTable } from '../setting.ts';
import { keepingTime, nonEmpty, oneOf, size, wholeNumber } from '../setting-values.ts';

/**
 * One thread answers some 100,000 requests/s and holds 11 MB, and every sweep reads a stripe of
 * counters for each. Whoever has more load than sixteen of them answer can say so.
 */
const mostWorkersByDefault = 16;

export const countingSettings = {
  dataDir: {
    flag: 'data-dir',
    summary: 'folder of the counts',
    value: 'FOLDER',
    fallback: './data',
    parse: nonEmpty,
    unit: 'path',
    more: "a disk of its own keeps other writers' fsyncs out of the way",
  },
  workers: {
    flag: 'workers',
    summary: 'threads that take requests',
    value: 'N',
    // Read when it is needed: no other command looks at files of the system for it.
    get fallback() {
      return String(Math.max(1, Math.min(mostWorkersByDefault, availableCores() - 1)));
    },
    fallbackText: 'available cores - 1, from 1 to 16',
    parse: wholeNumber(1, 256),
    unit: "threads; a cgroup's CPU quota limits the available cores",
    more: 'more requests a second, until the coordinator has no core left and sweeps come late',
    less: 'fewer requests, quieter machine',
  },
  ack: {
    flag: 'ack',
    summary:
      'when to answer: memory (counted; kill -9 may lose one flush) or durable (on the disk)',
    value: ackModes.join('|'),
    fallback: 'memory',
    parse: oneOf(ackModes),
    unit: 'mode',
    more: '`durable`: an answer means that the count is on the disk; each waits about 10 ms and an fsync, and a connection takes about 80 requests/s',
    less: '`memory`: answered when counted; `kill -9` may lose one flush interval',
  },
  /** The largest body that is taken, in bytes. */
  maxBody: {
    flag: 'max-body',
    summary: 'largest body that is taken: a number and B, KB, MB or GB; larger ones are cut off',
    value: 'SIZE',
    fallback: '1MB',
    parse: size('0B', '1GB'),
    unit: 'size',
    more: 'larger bodies are read to their end and counted',
    less: 'a connection whose body is larger is closed, uncounted, as soon as its head or its chunks say so; a client then sees no answer',
  },
  /** In milliseconds. */
  flushMs: {
    flag: 'flush-ms',
    summary: 'milliseconds between writes of the journal: what kill -9 may lose',
    value: 'MS',
    fallback: '100',
    // Above 10 s the ring would be swept too seldom for comfort: it reaches back 71 s.
    parse: wholeNumber(10, 10_000),
    unit: 'milliseconds',
    more: 'fewer writes; more to lose by `kill -9` in memory mode',
    less: 'less to lose; more writes (10 ms costs ten times as many). Where nothing comes, one write a second',
  },
  /** In milliseconds; Infinity: for ever. */
  retainMs10: {
    flag: 'retain-ms10',
    summary: 'how long the 10 ms windows are kept: a number and s, m, h, d or y, or forever',
    value: 'TIME',
    fallback: '30d',
    // A minute is closed into blocks that must still be there when they are read back: blocks of a
    // minute here, of an hour and a day below.
    parse: keepingTime('1h'),
    unit: 'time',
    more: 'about 5.4 MB a day at 5,000 messages/s',
    less: 'less disk; older time has seconds and minutes only',
  },
  /** In milliseconds; Infinity: for ever. */
  retainSec: {
    flag: 'retain-sec',
    summary: 'how long the seconds are kept; at least as long as the 10 ms windows',
    value: 'TIME',
    fallback: '1y',
    parse: keepingTime('1d'),
    unit: 'time',
    more: 'about 0.1 MB a day',
    less: 'less disk; older time has minutes only',
  },
  /** In milliseconds; Infinity: for ever. */
  retainMin: {
    flag: 'retain-min',
    summary: 'how long the minutes are kept; at least as long as the seconds',
    value: 'TIME',
    fallback: 'forever',
    parse: keepingTime('1d'),
    unit: 'time',
    more: 'about 2.4 KB a day: there is little reason to delete them',
    less: 'older time is gone',
  },
} as const satisfies SettingTable;
