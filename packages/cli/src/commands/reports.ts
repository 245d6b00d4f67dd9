import { sourceOf } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { sourceFlags } from '../flags.ts';
import { askReports, errorLines, reportLines } from '../report.ts';
import { noteOnStderr } from '../terminal/notes.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'List the reports, whether they run, and their columns',
  description:
    'Lists reports that run, and stored ones that ran before. To run a report, start the server with --report.',
  args: {},
  flags: {
    json: { description: 'print the list as JSON' },
    errors: { description: 'print the messages that reports failed on, as far as kept' },
    cluster: { description: 'reports of all nodes, from a server that merges them' },
    ...sourceFlags,
  },
  examples: ['reto3 reports'],
  run: async (flags) => {
    const reports = await askReports(sourceOf(flags), flags.cluster ?? false);
    if (flags.json) printLine(JSON.stringify(reports));
    else if (flags.errors) printLine(errorLines(reports).join('\n') || 'no report failed');
    else if (reports.length === 0) noteOnStderr('no report has run; see reto3 serve --report');
    else printLine(reportLines(reports).join('\n'));
  },
});
