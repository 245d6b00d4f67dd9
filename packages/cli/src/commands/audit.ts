import { type ApiOptions, ask } from '@reto3/client';
import { Reto3Error } from '@reto3/core';
import type { AskedRange } from '@reto3/engine';
import { sourceOf } from '../answers.ts';
import { askAudit, auditLines, verdictOf } from '../audit.ts';
import { clusterAuditLines, clusterVerdictOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { errorExitCode } from '../exit-code.ts';
import { apiOptionsOf, rangeFlags, sourceFlags } from '../flags.ts';
import { noteMoment } from '../moment.ts';
import { withProgress } from '../terminal/progress.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Check that every stored count can be trusted',
  description:
    'Reads every block, recomputes its checksum and total, compares ms10, sec and min for every minute, and compares what is stored with what was counted. With an archive, a running server also compares the messages that it archived and dropped since its start; for a stopped server (--data-dir), every archived message is read and compared with the stored windows. With --cluster, a server that merges compares every node and hour, to 10 ms, with what it has itself. Exit code 0: everything agrees. 5: something does not, and the output says where.',
  args: {},
  flags: {
    ...rangeFlags,
    json: { description: 'print the findings as JSON' },
    cluster: { description: 'compare every node and hour with what a merger has' },
    ...sourceFlags,
  },
  examples: [
    { description: 'Everything that a server has stored', command: 'reto3 audit' },
    { description: 'The last day', command: 'reto3 audit --from 1d' },
    {
      description: 'Whether a merger has what every node has',
      command: 'reto3 audit --cluster --url http://10.0.0.9:8081',
    },
    {
      description: 'The data folder of a stopped server',
      command: 'reto3 audit --data-dir ./data',
    },
  ],
  run: async (flags) => {
    if (flags.cluster) return auditCluster(apiOf(flags), flags);
    const audit = await withProgress('auditing', () => askAudit(sourceOf(flags), flags));
    const verdict = verdictOf(audit);
    // Set before printing, so that a reader that leaves early (| head) cannot hide it.
    if (verdict !== undefined) process.exitCode = errorExitCode[verdict.code];
    if (!flags.json) noteMoment(audit.moment);
    printLine(flags.json ? JSON.stringify(audit) : auditLines(audit).join('\n'));
    if (verdict !== undefined) throw verdict;
  },
});

/** @throws Reto3Error RETO3_BAD_RANGE if the source is a folder, which knows no cluster */
function apiOf({ 'data-dir': dataDir, ...flags }: Parameters<typeof sourceOf>[0]): ApiOptions {
  if (dataDir === undefined) return apiOptionsOf(flags);
  throw new Reto3Error('RETO3_BAD_RANGE', 'got --cluster with --data-dir, want one of them', {
    hint: 'the audit of a cluster asks its nodes, so it needs a running server that merges',
  });
}

async function auditCluster(
  api: ApiOptions,
  { from, to, json }: AskedRange & { readonly json?: boolean | undefined },
): Promise<void> {
  const audit = await withProgress('auditing', () => ask(api, '/v1/cluster/audit', { from, to }));
  const verdict = clusterVerdictOf(audit);
  if (verdict !== undefined) process.exitCode = errorExitCode[verdict.code];
  const hours = audit.hours.map((hour) => ({ ...hour, node_total: hour.node_total ?? null }));
  printLine(json ? JSON.stringify(hours) : clusterAuditLines(audit).join('\n'));
  if (verdict !== undefined) throw verdict;
}
