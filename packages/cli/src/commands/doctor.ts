import { settingReader, settings } from '@reto3/server/settings';
import { defineCommand } from '../command.ts';
import { descriptionOf } from '../serve-flags.ts';

export default defineCommand({
  summary: 'Check this machine and a data folder, or repair the folder',
  description:
    'Prints one line per check: ok, warn or fail, and its cure. Exit code 0: nothing failed. 5: something did. --repair first copies the folder to FOLDER.before-repair-TIME, or into the folder if that is a volume of its own. Then it removes and lists the counts that it cannot prove; it never guesses. After an interruption it starts over from the copy.',
  args: {},
  flags: {
    'data-dir': { description: descriptionOf(settings.dataDir), value: 'FOLDER' },
    port: { description: descriptionOf(settings.port), value: 'PORT' },
    'admin-port': { description: descriptionOf(settings.adminPort), value: 'PORT' },
    http: { description: descriptionOf(settings.http), value: 'uws|node' },
    repair: {
      description: 'copy the folder, repair it, and list what is lost; no server may be using it',
    },
    json: { description: 'print the findings as JSON' },
  },
  examples: [
    'reto3 doctor',
    'reto3 doctor --data-dir /var/lib/reto3',
    'reto3 doctor --repair --data-dir /var/lib/reto3',
  ],
  run: async ({ json = false, repair, ...given }) => {
    const { port, http, 'admin-port': adminPort, 'data-dir': dataDir } = given;
    // Parsed as the server parses them, with the same defaults and errors.
    const texts = { port, http, 'admin-port': adminPort, 'data-dir': dataDir };
    const { read } = settingReader(texts, process.env);
    const folder = read(settings.dataDir);
    if (repair) {
      const { repairAndPrint } = await import('../repair.ts');
      return repairAndPrint(folder, json);
    }
    const ports = { port: read(settings.port), adminPort: read(settings.adminPort) };
    const { examineAndPrint } = await import('../doctor.ts');
    return examineAndPrint({ dataDir: folder, ...ports, http: read(settings.http) }, json);
  },
});
