/**
 * The answers of the query API: the JSON schema of each, and the type derived from it. The server
 * documents its answers with the schemas; clients use the types.
 */
import { burstsSchema, whatIfSchema } from './analyses.ts';
import { auditSchema } from './audit.ts';
import { clusterAuditSchema, clusterSchema } from './cluster.ts';
import { healthSchema } from './error.ts';
import { infoSchema } from './info.ts';
import { reportListSchema, reportSchema } from './reports.ts';
import { statsSchema } from './stats.ts';
import type { TypeOf } from './type-of.ts';

/** The schema of the JSON answer to a GET of each path. */
export const answerSchemas = {
  '/healthz': healthSchema,
  '/readyz': healthSchema,
  '/v1/info': infoSchema,
  '/v1/stats/{period}': statsSchema,
  '/v1/bursts': burstsSchema,
  '/v1/whatif': whatIfSchema,
  '/v1/audit': auditSchema,
  '/v1/cluster': clusterSchema,
  '/v1/cluster/audit': clusterAuditSchema,
  '/v1/reports': reportListSchema,
  '/v1/reports/{name}': reportSchema,
} as const;

type Schemas = typeof answerSchemas;

/** A path whose parameter is replaced by any text. */
type PathOf<Template> = Template extends `${infer Before}{${string}}`
  ? `${Before}${string}`
  : Template;

/** The JSON answer to a GET of each path. */
export type Answers = {
  readonly [Path in keyof Schemas as PathOf<Path>]: TypeOf<Schemas[Path]>;
};

export { type Bursts, burstsSchema, type WhatIf, whatIfSchema } from './analyses.ts';
export { type Audit, auditSchema } from './audit.ts';
export {
  type ClusterAudit,
  type ClusterNode,
  type ClusterState,
  clusterAuditSchema,
  clusterSchema,
  forgetSchema,
  republishSchema,
} from './cluster.ts';
export { type ErrorAnswer, errorSchema, type Health, healthSchema } from './error.ts';
export { type ArchiveInfo, type Info, infoSchema } from './info.ts';
export {
  type Report,
  type ReportList,
  reportListSchema,
  reportRowSchema,
  reportSchema,
} from './reports.ts';
export {
  type LiveEvent,
  liveEventSchema,
  type Stats,
  type StatsRow,
  statsRowSchema,
  statsSchema,
} from './stats.ts';
export type { TypeOf } from './type-of.ts';
