import { Command, Flags } from '@oclif/core';
import { exitCode, Reto3Error } from '@reto3/server/errors';
import { abortable } from '../clean-up.ts';
import { findingLine, repairLines } from '../doctor.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { withProgress } from '../terminal/progress.ts';
import { runOnWithoutReader } from '../terminal/standard-streams.ts';

const flags = {
  'data-dir': Flags.string({
    description: 'folder of the counts',
    default: './data',
    env: 'RETO3_DATA_DIR',
    helpValue: 'FOLDER',
  }),
  port: Flags.integer({ description: 'port of the requests', default: 8_080, env: 'RETO3_PORT' }),
  'admin-port': Flags.integer({
    description: 'port of the query API',
    default: 8_081,
    env: 'RETO3_ADMIN_PORT',
  }),
  repair: Flags.boolean({
    description: 'copy the folder, then mend it and say what is gone; no server may hold it',
  }),
  json: Flags.boolean({ description: 'print the findings as JSON' }),
};

export default class Doctor extends Command {
  static override readonly summary = 'Check this machine and a data folder, or repair the folder';
  static override readonly description =
    'One line for each check: ok, warn or fail, with its cure. Exit code 0: nothing failed. 5: something did. With --repair the folder is copied to FOLDER.before-repair-TIME first; what cannot be known for certain is then gone, and listed, and never a wrong count.';
  static override readonly flags = flags;
  static override readonly examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --data-dir /var/lib/reto3',
    '<%= config.bin %> doctor --repair --data-dir /var/lib/reto3',
  ];

  async run(): Promise<void> {
    const { flags: given } = await this.parse(Doctor);
    const dataDir = given['data-dir'];
    if (given.repair) await this.#repair(dataDir, given.json);
    else
      await this.#examine(
        { dataDir, port: given.port, adminPort: given['admin-port'] },
        given.json,
      );
  }

  async #examine(
    patient: { readonly dataDir: string; readonly port: number; readonly adminPort: number },
    json: boolean,
  ): Promise<void> {
    const [{ examine }, { loadUws }] = await Promise.all([
      import('@reto3/server/doctor/examine'),
      import('@reto3/server/ingest/uws'),
    ]);
    const findings = [];
    runOnWithoutReader();
    for await (const finding of examine({ ...patient, loadUws: () => loadUws().version })) {
      findings.push(finding);
      if (!json) this.log(findingLine(finding));
    }
    if (json) this.log(JSON.stringify(findings));
    const failed = findings.filter(({ state }) => state === 'fail').length;
    if (failed > 0) throw new Reto3Error('RETO3_CHECK_FAILED', `${failed} checks failed`);
  }

  async #repair(folder: string, json: boolean): Promise<void> {
    keepFilesPrivate();
    const { repair } = await import('@reto3/server/doctor/repair');
    const done = await abortable((signal) =>
      withProgress(`repairing ${folder}`, () => repair(folder, Date.now(), signal)),
    );
    if (!done.audit.ok) process.exitCode = exitCode.checkFailed;
    this.log(json ? JSON.stringify(done) : repairLines(done).join('\n'));
  }
}
