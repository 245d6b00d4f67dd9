import { Command } from '@oclif/core';
import { sourceOf } from '../answers.ts';
import { type FlagTable, sourceFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { askReports, reportLines } from '../report.ts';

const table = {
  json: { description: 'print what is known of them as JSON' },
  cluster: { description: 'those of all nodes, from a server that adds them up' },
  ...sourceFlags,
} as const satisfies FlagTable;
const flags = oclifFlags(table);

export default class Reports extends Command {
  static override readonly summary = 'List the reports: which run, since when, and their columns';
  static override readonly description =
    'Those that run and those that ran before and are stored. A report runs where the server was started with --report.';
  static override readonly flags = flags;
  static override readonly examples = ['<%= config.bin %> reports'];

  async run(): Promise<void> {
    const { flags: given } = await this.parse(Reports);
    const reports = await askReports(sourceOf(given), given.cluster ?? false);
    if (given.json) this.log(JSON.stringify(reports));
    else if (reports.length === 0)
      this.logToStderr('reto3: no report has run; see reto3 serve --report');
    else this.log(reportLines(reports).join('\n'));
  }
}
