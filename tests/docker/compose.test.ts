/** `docker-compose up` builds the images and runs the load, and the counts are exact. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { waitUntil } from '../support/wait.ts';
import { Compose, docker, logs } from './compose.ts';

/** How much an image may add to its base. Only the first has DuckDB, which the archive needs. */
const maxMegabytesAdded = { reto3: 130, 'reto3-counts': 30 };
let compose: Compose;

beforeAll(async () => {
  compose = await Compose.open({
    file: 'docker-compose.yml',
    built: ['server', 'load'],
    environment: { RETO3_LOAD_DURATION: '20s' },
  });
  await compose.run('build');
});

afterAll(() => compose?.close());

/** The sum of the counts that a command inside the container prints. */
async function total(period: string): Promise<number> {
  const args = ['exec', '-T', 'server', 'reto3', 'stats', period, '--from', '1h', '--open'];
  const lines = (await compose.run(...args)).trim().split('\n');
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}, \d+$/);
  return lines.reduce((sum, line) => sum + Number(line.split(', ')[1]), 0);
}

test("counts the challenge's load exactly, and keeps the counts over a restart", async () => {
  await compose.run('up', '--detach');
  const load = await compose.container('load');
  expect(await docker('wait', load)).toBe('0');
  const [said, progress] = await logs(load);
  // The first line tells users how to start without the load.
  expect(progress.split('\n')[0]).toContain('to start without this load: docker-compose up server');
  const answered = Number(/^answers_200\s+(\d+)$/m.exec(said)?.[1]);
  figure('compose: Tsung counted', answered);
  figure('compose: mean rate', /^mean_rate\s+(\S+)$/m.exec(said)?.[1] ?? 'unknown');
  expect(answered).toBeGreaterThan(20_000);

  expect(await total('ms10')).toBe(answered);
  expect(await total('sec')).toBe(answered);
  expect(await total('min')).toBe(answered);

  const server = await compose.container('server');
  const inServer = (command: string) => docker('exec', server, 'sh', '-c', command);
  expect(await inServer('touch /app/x 2>&1 || true')).toContain('Read-only file system');
  const rights = await inServer('cat /proc/1/status');
  expect(rights).toMatch(/^CapEff:\s+0+$/m);
  expect(rights).toMatch(/^CapBnd:\s+0+$/m);
  expect(rights).toMatch(/^NoNewPrivs:\s+1$/m);
  await waitUntil('it was found healthy', async () => {
    const health = await docker('inspect', '--format', '{{.State.Health.Status}}', server);
    return health === 'healthy';
  });
  await compose.run('stop', 'server');
  expect(await docker('inspect', '--format', '{{.State.ExitCode}}', server)).toBe('0');
  await compose.run('start', 'server');
  await compose.run('exec', '-T', 'server', 'sh', '-c', 'until reto3 health; do sleep 0.2; done');
  expect(await total('min')).toBe(answered);
});

test("the commands work with only /data writable, within the service's limits", async () => {
  const server = await compose.container('server');
  const format = '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}';
  expect(await docker('inspect', '--format', format, server)).toMatch(/^[1-9]\d{7,} [1-9]\d*$/);
  const inServer = (command: string) => docker('exec', server, 'sh', '-c', command);
  await inServer('reto3 export sec --from 1h --open --output /data/x.csv && test -s /data/x.csv');
  await inServer('reto3 backup /data/x.reto3 && reto3 restore /data/x.reto3 --data-dir /data/x');
  expect(await inServer('reto3 audit')).toContain('every checksum and total is right');
});

test('prints what a health check costs, which should be less than 0.2 % of a core', async () => {
  const server = await compose.container('server');
  const cpuMs = async () => {
    // Control groups of version 1 say it in nanoseconds, version 2 in microseconds.
    const usage =
      'cat /sys/fs/cgroup/cpuacct/cpuacct.usage || grep usage_usec /sys/fs/cgroup/cpu.stat';
    const printed = await docker('exec', server, 'sh', '-c', `{ ${usage}; } 2>/dev/null`);
    const [, unit, amount] = /^(usage_usec )?(\d+)$/.exec(printed) ?? [];
    return Number(amount) / (unit === undefined ? 1e6 : 1e3);
  };
  const beforeMs = await cpuMs();
  const probes = 20;
  for (let probe = 0; probe < probes; probe++) await docker('exec', server, '/app/health.sh');
  // Includes the second reading and what the idle server does meanwhile.
  const perProbeMs = ((await cpuMs()) - beforeMs) / probes;
  const format = '{{.Config.Healthcheck.Interval.Milliseconds}}';
  const intervalMs = Number(await docker('image', 'inspect', '--format', format, 'reto3'));
  figure('health check: ms of a core', perProbeMs.toFixed(0));
  figure('health check: % of a core', ((100 * perProbeMs) / intervalMs).toFixed(3));
  expect([perProbeMs, intervalMs].every(Number.isFinite)).toBe(true);
});

test('the image has the newer build for one platform, an ordinary user, and little else', async () => {
  const inside = (command: string) =>
    docker('run', '--rm', '--entrypoint', 'sh', 'reto3', '-c', command);
  expect(await inside('id -un')).toBe('node');
  const installers = 'npm npx corepack yarn pnpm apt apt-get dpkg';
  expect(await inside(`for name in ${installers}; do command -v $name; done; true`)).toBe('');
  const binaries = (await inside("find /app -name '*.node'")).split('\n');
  expect(binaries.filter((file) => file.includes('uws')).length).toBe(1);
  expect(binaries.filter((file) => file.includes('linux') || file.includes('uws'))).toEqual(
    binaries,
  );
  const labels = await docker('image', 'inspect', '--format', '{{json .Config.Labels}}', 'reto3');
  const manifest = await readFile(
    new URL('../../packages/cli/package.json', import.meta.url),
    'utf8',
  );
  expect(JSON.parse(labels)).toMatchObject({
    'org.opencontainers.image.title': 'reto3',
    'org.opencontainers.image.version': JSON.parse(manifest).version,
  });
  const bill = JSON.parse(await inside('cat /app/sbom.spdx.json'));
  expect(bill.packages.map(({ name }: { name: string }) => name)).toContain('fastify');
  figure('load image: megabytes', ((await bytes('reto3-load')) / 1e6).toFixed(0));
});

async function bytes(image: string): Promise<number> {
  return Number(await docker('image', 'inspect', '--format', '{{.Size}}', image));
}

test('both targets stay within their size limits', async () => {
  const base = process.env['NODE_IMAGE'] ?? 'node:24.21.0-trixie-slim';
  const network = process.env['RETO3_DOCKER_BUILD_NETWORK'] ?? 'default';
  const options = ['--network', network, '--build-arg', `NODE_IMAGE=${base}`];
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await docker('build', ...options, '--target', 'counts', '--tag', 'reto3-counts', root);
  for (const [image, most] of Object.entries(maxMegabytesAdded)) {
    const added = ((await bytes(image)) - (await bytes(base))) / 1e6;
    figure(`${image}: megabytes added to its base`, added.toFixed(1));
    expect(added).toBeLessThan(most);
  }
  const version = await docker('run', '--rm', '--read-only', 'reto3-counts', 'reto3', 'version');
  expect(version).toContain('(newer build)');
});
