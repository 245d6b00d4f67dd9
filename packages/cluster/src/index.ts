/** A server's part in a cluster: publisher, merger and register, over NATS. */

export { Cluster } from './cluster.ts';
export type { Group } from './groups.ts';
export { encodeMessage, type NodeMessage } from './message.ts';
export { NodeReads } from './node-reads.ts';
export type { NatsStorage, Role } from './options.ts';
export type { AuditLimits } from './puller.ts';
export type { ReadRequest, Rows } from './read-message.ts';
export { ClusterReportView, readNodeReports } from './report-view.ts';
export { packSecond } from './second.ts';
