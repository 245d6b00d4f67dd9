/** A real Apache httpd that needs no root and leaves nothing behind. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from '@reto3/bench/src/running-process.ts';
import { launch } from './processes.ts';

/**
 * @param folder the documents, and Apache's own files
 * @param modules beside those that every Apache needs; Debian's has log_config built in
 * @param configuration lines to append
 */
export async function startApache(
  folder: string,
  port: number,
  modules: readonly string[],
  configuration: string,
): Promise<RunningProcess> {
  const loaded = ['mpm_event', 'authz_core', ...modules].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  const file = join(folder, 'apache.conf');
  await writeFile(
    file,
    `ServerRoot ${folder}
ServerName reto3
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
DocumentRoot ${folder}
<Directory ${folder}>
Require all granted
</Directory>
${loaded.join('\n')}
${configuration}`,
  );
  return launch('apache2', ['-X', '-f', file]);
}
