/** /v1/cluster: the nodes of the cluster, and the role of this server. */

import { array, count, epochMs, flag, number, object, text } from './parts.ts';
import type { TypeOf } from './type-of.ts';

const published = {
  messages: count,
  bytes: count,
  failures: { ...count, description: 'Attempts that NATS did not accept' },
} as const;
const mark = {
  ...epochMs,
  description: 'All final windows before this time are published, epoch ms',
} as const;

const nodeSchema = object({
  name: text,
  state: {
    type: 'string',
    enum: ['live', 'silent', 'left'],
    description:
      'live: the merger waits for it. silent: nothing came for --silent-after. left: it has stopped',
  },
  rate: { ...number, description: 'Messages per second, over ten seconds' },
  share: { ...number, description: 'Its share of all messages in that time, 0 to 1' },
  lagMs: { ...count, description: 'Age of the end of its newest final window, in ms' },
  clockOffsetMs: {
    type: 'integer',
    description: "Its wall clock minus this server's when its newest message came, in ms",
  },
  boot: { ...count, description: 'Number of its start' },
  revision: { ...count, description: 'The write of its store that its newest message describes' },
  mark,
  heardAt: { ...epochMs, description: 'When its newest message came, epoch ms' },
});
export type ClusterNode = TypeOf<typeof nodeSchema>;

export const clusterSchema = object(
  {
    role: { type: 'string', enum: ['ingest', 'merge', 'both'] },
    stream: text,
    server: { ...text, description: 'The NATS server that it is connected to, if any' },
    problem: { ...text, description: 'What keeps it from publishing or merging, if anything' },
    publisher: object({
      mark,
      secondsPending: { ...count, description: 'Seconds still to be published' },
      ...published,
      damagedMinutes: { ...count, description: 'Left out: damaged in the store' },
      reports: object({
        ...published,
        windowsTooLarge: { ...count, description: 'Left out: larger than NATS accepts' },
        damagedRows: { ...count, description: 'Left out: damaged in the store' },
        pending: { ...flag, description: 'Whether anything is still to be published' },
      }),
    }),
    merger: object({
      finalThrough: { ...epochMs, description: 'The oldest mark of the live nodes, epoch ms' },
      messages: count,
      badMessages: { ...count, description: 'Skipped: no node sends such messages' },
      secondsTooOld: { ...count, description: 'Came after their minute was deleted' },
      secondsVoid: { ...count, description: 'From a boot that a later one has voided' },
      position: { ...count, description: 'Position in the stream' },
    }),
    nodes: array(nodeSchema, 'Known only to a server that merges'),
  },
  { optional: ['server', 'problem', 'publisher', 'merger', 'nodes'] },
);
export type ClusterState = TypeOf<typeof clusterSchema>;

const hourSchema = object(
  {
    node: text,
    hour: { ...epochMs, description: 'Start of the hour, epoch ms' },
    node_total: { ...count, description: 'Messages that the node has; absent: it did not answer' },
    merger_total: { ...count, description: 'Messages of the node that the merger has' },
    equal: {
      ...flag,
      description: 'Whether all 10 ms windows are the same, and all rows of reports of the node',
    },
  },
  { optional: ['node_total'] },
);

/** /v1/cluster/audit. */
export const clusterAuditSchema = object({
  hours: array(hourSchema, 'By node, then by time; without hours in which neither has anything'),
});
export type ClusterAudit = TypeOf<typeof clusterAuditSchema>;

/** POST /v1/cluster/republish. */
export const republishSchema = object({ status: { type: 'string', const: 'asked' } });

/** POST /v1/cluster/forget. */
export const forgetSchema = object({ status: { type: 'string', const: 'forgotten' } });
