import { Command } from '@oclif/core';
import { Reto3Error } from '@reto3/core';
import { settingReader, settings } from '@reto3/server/settings';
import { abortable } from '../clean-up.ts';
import { findingLine, repairLines } from '../doctor.ts';
import { exitCode } from '../exit-code.ts';
import type { FlagTable } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { descriptionOf } from '../serve-flags.ts';
import { withProgress } from '../terminal/progress.ts';
import { runOnWithoutReader } from '../terminal/standard-streams.ts';

const table = {
  'data-dir': { description: descriptionOf(settings.dataDir), value: 'FOLDER' },
  port: { description: descriptionOf(settings.port), value: 'PORT' },
  'admin-port': { description: descriptionOf(settings.adminPort), value: 'PORT' },
  repair: {
    description: 'copy the folder, then mend it and say what is gone; no server may hold it',
  },
  json: { description: 'print the findings as JSON' },
} as const satisfies FlagTable;
const flags = oclifFlags(table);

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
    const { json, repair, port, 'admin-port': adminPort, 'data-dir': dataDir } = given;
    // As a server would take them: the same defaults, and refused in the same words.
    const texts = { port, 'admin-port': adminPort, 'data-dir': dataDir };
    const { read } = settingReader(texts, process.env);
    const folder = read(settings.dataDir);
    if (repair) await this.#repair(folder, json);
    else {
      const ports = { port: read(settings.port), adminPort: read(settings.adminPort) };
      await this.#examine({ dataDir: folder, ...ports }, json);
    }
  }

  async #examine(
    patient: { readonly dataDir: string; readonly port: number; readonly adminPort: number },
    json: boolean,
  ): Promise<void> {
    const [{ examine }, { loadUws }] = await Promise.all([
      import('@reto3/engine'),
      import('@reto3/server/uws'),
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
    const { repair } = await import('@reto3/engine');
    const done = await abortable((signal) =>
      withProgress(`repairing ${folder}`, () => repair(folder, Date.now(), signal)),
    );
    if (!done.audit.ok) process.exitCode = exitCode.checkFailed;
    this.log(json ? JSON.stringify(done) : repairLines(done).join('\n'));
  }
}
