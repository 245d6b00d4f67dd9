/**
 * Compares the results that load generators write here with what a server counted of them.
 *
 * They are programs of Debian. None comes from npm: autocannon 9.0.0, the smallest one in wide use,
 * installs 63 packages and writes no line per request. Its total could only be compared with the log
 * of a server, as log-programs.test.ts does without it.
 */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const requests = 2_000;
const tsungFolder = fileURLToPath(new URL('../../tsung', import.meta.url));

interface Run {
  readonly folder: string;
  readonly server: Server;
  readonly url: string;
}

async function prepared(...flags: readonly string[]): Promise<Run> {
  const folder = await temporaryFolder();
  const server = await Server.start({ dataDir: join(folder, 'data'), flags });
  return { folder, server, url: `http://127.0.0.1:${server.port}/` };
}

async function reportOf(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const running = launch(program, args, { env });
  const { code } = await running.exited;
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${running.stderr}`);
  return running.stdout;
}

/** The log's total in a period, and the summary on stderr. */
async function counted(period: string, log: string): Promise<{ sum: number; said: string }> {
  const { stdout, stderr } = await runCli(['stats', period, '--from', '0', '--log', log]);
  return { sum: sumOf(parseLines(stdout)), said: stderr.replace(`reto3: ${log}: `, '') };
}

requires('h2load')('h2load: --log-file counts each request by its start', async () => {
  const { folder, server, url } = await prepared();
  const log = join(folder, 'results.tsv');
  const flags = ['--h1', '-n', String(requests), '-c', '4', `--log-file=${log}`];
  expect(await reportOf('h2load', [...flags, url])).toContain(`${requests} succeeded`);
  const { sum, said } = await counted('ms10', log);
  expect(sum).toBe(requests);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(requests);
  expect(said).toMatch(/^h2load, --log-file, counted by the start of each request, clock 1 µs/);
});

requires('ab')('ab: -g counts each request in the second of its start', async () => {
  // ab speaks HTTP/1.0.
  const { folder, server, url } = await prepared('--http', 'node');
  const log = join(folder, 'results.tsv');
  const report = await reportOf('ab', ['-n', String(requests), '-c', '4', '-g', log, url]);
  expect(report).toMatch(new RegExp(`^Complete requests: +${requests}$`, 'm'));
  const { sum, said } = await counted('sec', log);
  expect(sum).toBe(requests);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(requests);
  expect(said).toMatch(/^ab, -g, counted by the start of each request, clock 1 s/);
});

// load.sh may stop Tsung before it has written the end of its dump.
requires('tsung')(
  'Tsung: dumptraffic="protocol_local" counts each line, without a header',
  async () => {
    const { folder, server } = await prepared();
    const load = join(folder, 'tsung');
    await cp(tsungFolder, load, { recursive: true });
    const scenario = await readFile(join(load, 'scenario.xml'), 'utf8');
    const dumping = scenario.replace('<tsung ', '<tsung dumptraffic="protocol_local" ');
    await writeFile(join(load, 'scenario.xml'), dumping);
    const logs = join(folder, 'logs');
    const report = await reportOf('bash', [join(load, 'load.sh'), '--json'], {
      RETO3_LOAD_PORT: String(server.port),
      RETO3_LOAD_USERS_PER_SECOND: '50',
      RETO3_LOAD_DURATION: '2s',
      RETO3_LOAD_LOG_DIR: logs,
    });
    const names = await readdir(logs, { recursive: true });
    const log = names.find((name) => /tsung-\d+\.dump$/.test(name)) ?? 'no dump';
    const { sum, said } = await counted('ms10', join(logs, log));
    const { messages } = JSON.parse(report);
    const dumped = (await readFile(join(logs, log), 'utf8')).split('\n').length - 1;
    expect(sum).toBe(dumped);
    expect(dumped).toBeGreaterThan(messages / 2);
    expect(dumped).toBeLessThanOrEqual(messages);
    expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(messages);
    expect(said).toMatch(/^Tsung up to 1.7, .* counted by the start of each request, clock 1 µs/);
  },
);

requires('wrk')('wrk: its report is refused, with what to do instead', async () => {
  const { folder, url } = await prepared();
  const report = join(folder, 'wrk.txt');
  await writeFile(report, await reportOf('wrk', ['-d', '1', '-t', '1', '-c', '2', url]));
  const { code, stderr } = await runCli(['stats', '--log', report]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `cannot count ${report}: it is a report of wrk or autocannon, which has`,
  );
  expect(stderr).toContain('reto3 serve');
});
