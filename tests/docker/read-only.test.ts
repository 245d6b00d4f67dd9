/** Every command in a container whose only writable folder is /data (`docker run --read-only`). */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nginxLine } from '../support/log-lines.ts';
import { Compose, docker } from './compose.ts';

const log = '/data/access.log';
const lines = [0, 10, 20].map((ms) => nginxLine(Date.UTC(2016, 4, 28, 11, 11, 11, ms))).join('');

/** A command → what it prints on stdout or stderr. In order: some need what others wrote. */
const commands: readonly (readonly [words: string, printed: RegExp])[] = [
  ['stats sec --from 1h --open', /, 1$/m],
  ['audit', /^archive +ok/m],
  ['backup /data/counts.reto3', /wrote/],
  ['restore /data/counts.reto3 --data-dir /data/restored', /1 message, audited/],
  ['doctor --data-dir /data/restored', /^counted +ok/m],
  ['doctor --repair --data-dir /data/restored', /^counted +ok/m],
  ['export sec --from 1h --open --output /data/sec.csv && cat /data/sec.csv', /,1$/m],
  ['bursts --from 1h --open', /^beats: none$/m],
  ['bursts --from 1h --open --who', /by path/],
  ['whatif --capacity 6000 --open', /burst: 1/],
  ['report lag sec --open', /untimed=1/],
  ['report lag sec --open --output /data/lag.parquet && ls /data/lag.parquet', /lag\.parquet/],
  ['reports', /untimed/],
  ['replay count sec --diff', /1 window of count sec is stored as it is replayed/],
  ['query --format csv "SELECT count(*) AS n FROM messages"', /^n\s+1$/],
  [`import ${log} --keep --data-dir /data/imported`, /3 messages/],
  ['query --format csv --data-dir /data/imported "SELECT count(*) AS n FROM messages"', /^n\s+3$/],
  [`query --format csv --log ${log} "SELECT count(*) AS n FROM messages"`, /^n\s+3$/m],
  [`stats ms10 --log ${log}`, /^2016-05-28 11:11:11\.010, 1$/m],
  ['stats min --data-dir /data/imported --open', /, 3$/m],
  [`view ${log} & sleep 4; kill $!`, /^http:\S+$/m],
  ['view /data/imported & sleep 4; kill $!', /^http:\S+$/m],
  [
    'serve --port 0 --admin-port 0 --data-dir /data/other & sleep 4; kill $!; wait',
    /takes requests/,
  ],
  ['top', /^workers$/m],
  ['cluster', /RETO3_NO_CLUSTER/],
  ['health', /^ready$/m],
  ['formats', /nginx/],
  ['recipe nginx', /access_log/],
  ['completion bash', /complete -F/],
  // oclif keeps its completions in the home folder.
  ['autocomplete bash', /RETO3_FILE_UNWRITABLE/],
  ['config --schema', /"port"/],
  ['help', /whatif/],
  ['version', /newer build/],
];

let compose: Compose;
let server = '';

beforeAll(async () => {
  compose = await Compose.open({ file: 'docker-compose.yml', built: ['server'], environment: {} });
  await compose.run('build', 'server');
  const settings = { RETO3_ARCHIVE: 'true', RETO3_WORKERS: '1', RETO3_REPORT: 'lag' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  server = await docker('run', '--detach', '--read-only', ...flags, 'reto3');
  await inServer('until reto3 health; do sleep 0.2; done');
  await inServer("node -e 'fetch(`http://127.0.0.1:8080/`)'");
  await inServer(`printf %s '${lines}' > ${log}`);
  // Until the second is final, which replay compares.
  await inServer('sleep 3');
});

afterAll(async () => {
  await docker('rm', '--force', '--volumes', server);
  await compose.close();
});

function inServer(command: string): Promise<string> {
  return docker('exec', server, 'sh', '-c', `{ ${command}\n} 2>&1 || true`);
}

test.each(commands)('reto3 %s', async (words, printed) => {
  expect(await inServer(`reto3 ${words}`)).toMatch(printed);
});

test('these are all commands', async () => {
  const reference = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const all = [...reference.matchAll(/^## reto3 (\S+)$/gm)].map(([, name]) => name);
  const tried = new Set(commands.map(([words]) => words.split(' ')[0]));
  expect([...tried].sort()).toEqual(all.sort());
});
