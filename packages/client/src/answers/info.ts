/** /v1/info: what a server is and how it is doing. */
import { httpEngines, periodNames, scopes } from '@reto3/core';
import { array, count, epochMs, logMoment, object, text } from './parts.ts';
import type { TypeOf } from './type-of.ts';

const milliseconds = { type: 'number', minimum: 0 } as const;

const archiveSchema = {
  ...object(
    {
      archived: { ...count, description: 'Written to the archive' },
      dropped: {
        ...count,
        description: 'Counted but not archived: the archive fell behind or could not be written',
      },
      waiting: { ...count, description: 'On their way into the archive' },
      through: {
        ...epochMs,
        description: 'Everything before this time is archived or dropped, epoch ms',
      },
      folder: text,
      holder: { ...text, description: 'The name of this server in its archive, new at each start' },
      messages: { ...count, description: 'On disk, from earlier starts too' },
      files: count,
      bytes: count,
      oldestHour: { ...epochMs, description: 'Start of the oldest archived hour, epoch ms' },
      deletedFiles: {
        ...count,
        description: 'Deleted to stay within --archive-max-bytes and -age',
      },
      deletedMessages: { ...count, description: 'Messages in the deleted files' },
      failing: { ...text, description: 'Why writing fails now; absent while it works' },
    },
    { optional: ['oldestHour', 'failing', 'holder'] },
  ),
  description:
    'Messages since the start: counted = archived + dropped + waiting; and what the archive holds. Absent without --archive',
} as const;

const viewedSchema = {
  ...object(
    {
      source: { ...text, description: 'The logs, or the folder' },
      format: { ...text, description: 'Of the logs' },
      moment: logMoment,
      resolutionMs: { ...milliseconds, description: 'How finely their clock ticks' },
      from: { ...epochMs, description: 'Start of the oldest counted second, epoch ms' },
      to: { ...epochMs, description: 'End of the newest counted second, epoch ms' },
    },
    { optional: ['format', 'moment'] },
  ),
  description: 'What reto3 view shows; absent on a server',
} as const;

export const infoSchema = object(
  {
    version: text,
    http: {
      type: 'string',
      enum: httpEngines,
      description: "Who serves the ingest port: uWebSockets.js or Node's own HTTP server",
    },
    uWebSockets: {
      ...text,
      description:
        'Version of uWebSockets.js, and which of its two builds; "not loaded" without it',
    },
    nodejs: text,
    node: { ...text, description: 'Name of this server' },
    role: {
      type: 'string',
      enum: ['ingest', 'merge', 'both'],
      description: 'Its part in the cluster; absent outside one',
    },
    scopes: array(
      { type: 'string', enum: scopes },
      "The counts that you can ask it for: its own, and the cluster's if it merges them",
    ),
    boot: { ...count, description: 'How many times a server has started on this data folder' },
    workers: { ...count, description: 'Threads that accept messages' },
    flushMs: count,
    startedAt: epochMs,
    ingestUrl: { ...text, description: 'Where it accepts messages; absent if it only merges' },
    countedFrom: {
      ...epochMs,
      description: 'Start of its oldest counts, to the minute, epoch ms; absent if it has none',
    },
    moment: logMoment,
    uptimeMs: count,
    finalThrough: { ...epochMs, description: 'End of the newest final window, epoch ms' },
    messagesSinceStart: count,
    messagesByWorker: array(count),
    connectionsWithoutMessage: {
      ...count,
      description:
        'Connections to the ingest port since the start that closed without a message, such as from HTTP/1.0 clients. ' +
        'A lower bound with the older build of uWebSockets.js, which notices them only while no message comes',
    },
    messagesInAll: {
      ...count,
      description: 'All messages in the store, and those since the start',
    },
    dataDir: { ...text, description: 'Its data folder, as the server sees it' },
    deletedBefore: {
      ...object({ ms10: epochMs, sec: epochMs, min: epochMs }),
      description: 'Retention has deleted the windows of each period before this time, epoch ms',
    },
    bytesOnDisk: { ...count, description: 'At most a second old' },
    freshnessMs: {
      ...object({ p50: milliseconds, p99: milliseconds, max: milliseconds }),
      description:
        'Upper bound of the time from the arrival of a message until its window was final and readable, in milliseconds: ' +
        'quantiles over all messages since the start, and the longest',
    },
    clockSteps: { ...count, description: 'Times that the wall clock stepped' },
    stalls: {
      ...count,
      description: 'Times that the process stood still for longer than the ring reaches back',
    },
    flushes: count,
    failedFlushes: { ...count, description: 'Failed writes, fsyncs and moves of the anchor' },
    messagesUnsaved: { ...count, description: 'In memory, and not yet written' },
    archive: archiveSchema,
    viewed: viewedSchema,
    messagesLost: { ...count, description: 'Given up because the store failed for too long' },
    damagedBlocks: array(
      object({
        period: { type: 'string', enum: [...periodNames, 'journal'] },
        from: epochMs,
        to: epochMs,
        reason: text,
      }),
      'Damaged blocks that a flush or a reader has found since the start: the first 100',
    ),
  },
  { optional: ['role', 'ingestUrl', 'countedFrom', 'moment', 'archive', 'viewed'] },
);
export type Info = TypeOf<typeof infoSchema>;
export type ArchiveInfo = TypeOf<typeof archiveSchema>;
