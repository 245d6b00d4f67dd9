/** Third-party code: pnpm itself, known vulnerabilities, and the images of deployments. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Evaluates a module in the scripts' folder with additional environment variables. */
async function evaluate(
  code: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: join(root, 'scripts'),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

describe('the audit of known vulnerabilities', () => {
  /** The result of the check with this registry. */
  async function audit(registry: string, environment = {}) {
    const { stdout, stderr } = await evaluate(
      `import { vulnerabilities } from ${JSON.stringify(join(root, 'scripts/supply-chain.mjs'))};
       console.log(JSON.stringify(vulnerabilities()));`,
      {
        RETO3_AUDIT: '',
        npm_config_registry: registry,
        npm_config_fetch_retries: '0',
        ...environment,
      },
    );
    const problems: string[] = JSON.parse(stdout);
    return { problems, stderr };
  }

  async function registryThat(answers: RequestListener): Promise<string> {
    return `http://127.0.0.1:${await listen(createServer(answers))}/`;
  }

  const refusing: RequestListener = (_, response) => response.writeHead(405).end();
  const required = { RETO3_AUDIT: 'required' };

  it('reports a refusing registry in one loud line, and only then', async () => {
    const { problems, stderr } = await audit(await registryThat(refusing));
    expect(problems).toEqual([]);
    expect(stderr).toMatch(
      /^reto3: NOT AUDITED: .*the registry refuses to audit: .*\(RETO3_AUDIT=required makes this a failure\)$/ms,
    );
  });

  it('fails if an audit is required and impossible', async () => {
    const { problems } = await audit(await registryThat(refusing), required);
    expect(problems).toEqual([expect.stringMatching(/^NOT AUDITED: /)]);
  });

  it('is skipped without a network', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}/`;
    expect((await audit(nowhere)).stderr).toContain('NOT AUDITED: ');
    const { problems } = await audit(nowhere, required);
    expect(problems).toEqual([expect.stringContaining('the registry cannot be reached')]);
  });

  it('passes silently if no vulnerability is known', async () => {
    const registry = await registryThat((_, response) => response.end(JSON.stringify(answer({}))));
    expect(await audit(registry, required)).toEqual({ problems: [], stderr: '' });
  });

  it('fails if a vulnerability is known, whether required or not', async () => {
    const advisory = {
      ...{ id: 1, severity: 'high', title: 'a made-up weakness', module_name: 'fastify' },
      ...{ vulnerable_versions: '*', patched_versions: '>=999', url: 'https://example.org/1' },
      findings: [{ version: '5.0.0', paths: ['packages/server>fastify'] }],
      github_advisory_id: 'GHSA-0000-0000-0000',
      cves: [],
    };
    const registry = await registryThat((_, response) =>
      response.end(JSON.stringify(answer({ 1: advisory }))),
    );
    const { problems } = await audit(registry);
    expect(problems).toEqual([expect.stringContaining('a made-up weakness')]);
  });

  function answer(advisories: object): object {
    const high = Object.keys(advisories).length;
    const vulnerabilities = { info: 0, low: 0, moderate: 0, high, critical: 0 };
    return { actions: [], advisories, muted: [], metadata: { vulnerabilities } };
  }
});

describe('pnpm', () => {
  const archive = Buffer.from('not the pnpm that was pinned');
  const kept = join(root, 'node_modules/.reto3-pnpm');

  /** The result for that pin if the registry delivers `archive`. */
  async function fetchPinned(packageManager: string): Promise<string> {
    const folder = await temporaryFolder();
    const npm = join(folder, 'npm');
    await writeFile(join(folder, 'archive'), archive);
    await writeFile(npm, `#!/bin/sh\ncp "${folder}/archive" "$4/pnpm.tgz" && echo pnpm.tgz\n`);
    await chmod(npm, 0o755);
    const { stdout, stderr } = await evaluate(
      `import { pnpmScript } from ${JSON.stringify(join(root, 'scripts/pnpm.mjs'))};
       try { console.log(pnpmScript(${JSON.stringify(packageManager)})); }
       catch (error) { console.log(error.message); }`,
      { PATH: `${folder}${delimiter}${process.env['PATH']}` },
    );
    expect(stderr).toBe('');
    return stdout.trim();
  }

  it('is not run if its SHA-512 differs from package.json', async () => {
    const [got, want] = [createHash('sha512').update(archive).digest('hex'), '0'.repeat(128)];
    const said = await fetchPinned(`pnpm@10.0.0+sha512.${want}`);
    expect(said).toBe(`cannot use pnpm@10.0.0: got SHA-512 ${got}, want ${want}`);
    expect(existsSync(join(kept, want.slice(0, 16)))).toBe(false);
    expect((await readdir(kept)).filter((name) => name.startsWith('making-'))).toEqual([]);
  });

  it('is unpacked if it has that SHA-512', async () => {
    // It is not an archive, so unpacking fails: the hash has passed.
    const sum = createHash('sha512').update(archive).digest('hex');
    onTestFinished(() => rm(join(kept, sum.slice(0, 16)), { recursive: true, force: true }));
    expect(await fetchPinned(`pnpm@10.0.0+sha512.${sum}`)).toMatch(/^cannot fetch pnpm: /);
  });

  it('must be pinned', async () => {
    for (const pin of ['pnpm@10.0.0', 'pnpm@latest', 'yarn@4.0.0', ''])
      expect(await fetchPinned(pin)).toBe(
        `got packageManager "${pin}", want pnpm@VERSION+sha512.HASH`,
      );
  });
});

const composeFiles = [
  'docker-compose.yml',
  'deploy/docker-compose.cluster.yml',
  'deploy/groups/docker-compose.yml',
] as const;

interface Service {
  readonly networks?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly read_only?: boolean;
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: unknown;
}

interface Deployment {
  readonly services: Record<string, Service>;
  readonly networks?: Record<string, { readonly internal?: boolean } | null>;
}

function deploymentIn(file: string): Deployment {
  return parse(readFileSync(join(root, file), 'utf8'), { merge: true });
}

function servicesIn(file: string): Record<string, Service> {
  return deploymentIn(file).services;
}

describe('third-party images', () => {
  /** Images that the Dockerfiles here build. */
  const own = ['reto3', 'reto3-load', 'reto3-counts'];

  it.each([
    ...composeFiles,
    'Dockerfile',
    'tsung/Dockerfile',
    '.github/workflows/ci.yml',
    'deploy/kubernetes/server/stateful-set.yaml',
    'deploy/kubernetes/cluster/nats.yaml',
  ])('have an exact version in %s', (file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    const images = lines.flatMap((line) => {
      const named =
        /^\s*(?:- )?image: (.+)$/.exec(line) ?? /^\s*(?:ARG )?[A-Z]+_IMAGE(?:=|: )(.+)$/.exec(line);
      // ${NAME:-default}
      return named?.[1] === undefined ? [] : [named[1].replace(/^\$\{[A-Z]+:-(.+)\}$/, '$1')];
    });
    const others = images.filter((image) => !own.includes(image) && !image.startsWith('$'));
    expect(images).not.toEqual([]);
    // Three numbers, or a Debian date.
    for (const image of others)
      expect(image).toMatch(/:(?:v?\d+\.\d+\.\d+|\w+-\d{8})(?:-[\w-]+)?$/);
  });
});

describe.each(composeFiles)('%s', (file) => {
  it.each(Object.entries(servicesIn(file)))('limits what %s may do', (_, service) => {
    expect(service.mem_limit).toMatch(/\d[gm]\}?$/);
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service.read_only).toBe(true);
  });

  it.each(Object.entries(servicesIn(file)))('lets SELinux show %s its files', (_, service) => {
    for (const mount of service.volumes?.filter((each) => each.startsWith('.')) ?? [])
      expect(mount).toMatch(/:ro,z$/);
  });
});

describe('the cluster', () => {
  it('keeps haproxy and the load away from NATS and the query API', () => {
    const { haproxy, load, merger } = servicesIn('deploy/docker-compose.cluster.yml');
    const closed = [...(merger?.networks ?? []), 'windows'];
    expect(closed).toContain('query');
    for (const service of [haproxy, load])
      expect(service?.networks?.filter((network) => closed.includes(network))).toEqual([]);
  });

  it.each([
    ['deploy/docker-compose.cluster.yml', ['messages', 'windows']],
    ['deploy/groups/docker-compose.yml', ['east', 'west', 'groups']],
  ])('has internal networks for NATS and the servers in %s', (file, internal) => {
    const { services, networks = {} } = deploymentIn(file);
    for (const network of internal)
      expect([network, networks[network]]).toEqual([network, { internal: true }]);
    const ofNats = Object.entries(services).filter(([name]) => name.startsWith('nats'));
    expect(ofNats.length).toBeGreaterThan(1);
    for (const [, { networks: joined = [] }] of ofNats)
      expect(joined.filter((network) => !internal.includes(network))).toEqual([]);
  });
});

it('the health check of the image starts no Node.js, and seldom', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  expect(dockerfile.match(/^HEALTHCHECK.*$/gm)).toEqual([
    'HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/app/health.sh"]',
  ]);
  expect(dockerfile).toContain('\nCOPY docker/health.sh /app/\n');
  expect(readFileSync(join(root, 'docker/health.sh'), 'utf8')).toMatch(/^#!\/bin\/bash\n/);
  for (const file of composeFiles)
    for (const { healthcheck } of Object.values(servicesIn(file)))
      expect(JSON.stringify(healthcheck ?? {})).not.toMatch(/node |reto3 health/);
});

describe('Grafana', () => {
  it('has no accounts, so no default password', () => {
    const { grafana } = servicesIn('docker-compose.yml');
    expect(grafana?.environment).toMatchObject({
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
    });
    const names = Object.keys(grafana?.environment ?? {});
    expect(names.filter((name) => /ADMIN_(USER|PASSWORD)|ORG_ROLE/.test(name))).toEqual([]);
  });
});
