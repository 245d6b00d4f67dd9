import { Command, Flags } from '@oclif/core';
import { Reto3Error } from '@reto3/core';
import type { Audit } from '@reto3/engine';
import { sourceOf } from '../answers.ts';
import { askAudit, auditLines } from '../audit.ts';
import { exitCode } from '../exit-code.ts';
import { rangeFlags, sourceFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { withProgress } from '../terminal/progress.ts';

const flags = {
  ...oclifFlags(rangeFlags),
  json: Flags.boolean({ description: 'print the findings as JSON' }),
  ...oclifFlags(sourceFlags),
};

export default class AuditCommand extends Command {
  static override readonly summary = 'Check that every count can be relied on, and say where not';
  static override readonly description =
    'Reads every block and recomputes its checksum and total, compares ms10, sec and min minute by minute, and holds what is stored against what was counted. With an archive, a running server holds what it archived and dropped since its start against that; of a stopped one (--data-dir) every archived message is read and held against the stored windows. Exit code 0: all holds. 5: it does not, with the places.';
  static override readonly flags = flags;
  static override readonly examples = [
    { description: 'All that a server has', command: '<%= config.bin %> audit' },
    { description: 'The last day', command: '<%= config.bin %> audit --from 1d' },
    {
      description: 'What a stopped server has',
      command: '<%= config.bin %> audit --data-dir ./data',
    },
  ];

  async run(): Promise<void> {
    const { flags: given } = await this.parse({ flags });
    const audit: Audit = await withProgress('auditing', () => askAudit(sourceOf(given), given));
    const failed = audit.checks.filter(({ ok }) => !ok);
    // Before it is printed: a reader that leaves (| head) must not hide it.
    if (failed.some(({ unchecked }) => !unchecked)) process.exitCode = exitCode.checkFailed;
    this.log(given.json ? JSON.stringify(audit) : auditLines(audit).join('\n'));
    if (failed.some(({ name }) => name !== 'archive'))
      throw new Reto3Error('RETO3_CHECK_FAILED', 'not all counts can be relied on');
    if (failed.some(({ unchecked }) => !unchecked))
      throw new Reto3Error('RETO3_CHECK_FAILED', 'the counts hold, but not the archive', {
        hint: 'see the lines above; no server needs the bad files to count, so you may move them away',
      });
    if (failed.length > 0)
      throw new Reto3Error('RETO3_DUCKDB_MISSING', 'not all of the archive could be checked');
  }
}
