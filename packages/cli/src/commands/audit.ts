import { sourceOf } from '../answers.ts';
import { askAudit, auditLines, verdictOf } from '../audit.ts';
import { defineCommand } from '../command.ts';
import { exitCode } from '../exit-code.ts';
import { rangeFlags, sourceFlags } from '../flags.ts';
import { withProgress } from '../terminal/progress.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Check that every stored count can be trusted',
  description:
    'Reads every block, recomputes its checksum and total, compares ms10, sec and min for every minute, and compares what is stored with what was counted. With an archive, a running server also compares the messages that it archived and dropped since its start; for a stopped server (--data-dir), every archived message is read and compared with the stored windows. Exit code 0: everything agrees. 5: something does not, and the output says where.',
  args: {},
  flags: {
    ...rangeFlags,
    json: { description: 'print the findings as JSON' },
    ...sourceFlags,
  },
  examples: [
    { description: 'Everything that a server has stored', command: 'reto3 audit' },
    { description: 'The last day', command: 'reto3 audit --from 1d' },
    {
      description: 'The data folder of a stopped server',
      command: 'reto3 audit --data-dir ./data',
    },
  ],
  run: async (flags) => {
    const audit = await withProgress('auditing', () => askAudit(sourceOf(flags), flags));
    const verdict = verdictOf(audit);
    // Set before printing: a reader that leaves (| head) must not hide it.
    if (verdict?.code === 'RETO3_CHECK_FAILED') process.exitCode = exitCode.checkFailed;
    printLine(flags.json ? JSON.stringify(audit) : auditLines(audit).join('\n'));
    if (verdict !== undefined) throw verdict;
  },
});
