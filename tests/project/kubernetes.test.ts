/** deploy/kubernetes against the schemas that Kubernetes and the Prometheus operator publish. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type Manifest, manifestsIn, render } from '../support/kustomize.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';

const folder = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));
const withNats = requires('nats-server');

type Model = new (data: never) => { validate(): void };
const models: Readonly<Record<string, Model>> = {
  ConfigMap,
  NetworkPolicy,
  PodDisruptionBudget,
  Service,
  ServiceMonitor,
  StatefulSet,
};

interface Probe {
  readonly httpGet: { readonly path: string };
}

interface Container {
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface StatefulSetManifest extends Manifest {
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly spec: { readonly containers: [Container] } };
  };
}

/** The errors of a manifest against the schema of its kind. */
function problemOf(manifest: Manifest): string | undefined {
  const Model = models[manifest.kind];
  if (Model === undefined) return `got kind ${manifest.kind}, want one of the known`;
  try {
    new Model(manifest as never).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Complete manifests; the other files are patches or settings. */
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^(?!.*(?:kustomization|reto3|\.patch)\.yaml$).*\.yaml$/.test(file))
  .sort();

describe.each(files)('%s', (file) => {
  it.each(manifestsIn(readFileSync(join(folder, file), 'utf8')))(
    'has a valid $kind $metadata.name',
    (manifest) => expect(problemOf(manifest)).toBeUndefined(),
  );
});

it('network policies have numbers of ports, since not every network plugin resolves names', () => {
  const all = files.flatMap((file) => manifestsIn(readFileSync(join(folder, file), 'utf8')));
  const policies = JSON.stringify(all.filter(({ kind }) => kind === 'NetworkPolicy'));
  expect(policies).toContain('"port":8080');
  expect(policies).not.toContain('"port":"');
});

it('finds a mistake in a manifest', () => {
  const [service] = manifestsIn(readFileSync(join(folder, 'server/services.yaml'), 'utf8'));
  const wrong = JSON.parse(JSON.stringify(service).replace('"port":80', '"port":"x80"'));
  expect(problemOf(wrong)).toMatch(/port/);
});

describe('as kustomize renders it', () => {
  const rendered = (name: string): Manifest[] => render(join(folder, name));
  const namesIn = (manifests: readonly Manifest[]): string[] =>
    manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

  it.each(['server', 'cluster'])('every object of %s is valid', (name) => {
    for (const manifest of rendered(name))
      expect([manifest, problemOf(manifest)]).toEqual([manifest, undefined]);
  });

  it('one server is a pod with its services and its policy', () => {
    expect(namesIn(rendered('server')).sort()).toEqual([
      'ConfigMap reto3',
      'NetworkPolicy reto3',
      'Service reto3',
      'Service reto3-admin',
      'Service reto3-nodes',
      'StatefulSet reto3',
    ]);
  });

  const statefulSet = (name: string): StatefulSetManifest =>
    rendered(name).find(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'reto3',
    ) as StatefulSetManifest;

  it('one server can grow into a cluster, which changes only what may change', () => {
    const [one, cluster] = ['server', 'cluster'].map((name) => {
      const { replicas, template, ...fixed } = statefulSet(name).spec;
      return fixed;
    });
    expect(cluster).toEqual(one);
  });

  it('a server that cannot store counts gets requests only if no other can take them', () => {
    const readinessOf = (name: string) =>
      statefulSet(name).spec.template.spec.containers[0].readinessProbe.httpGet.path;
    expect([readinessOf('server'), readinessOf('cluster')]).toEqual(['/healthz', '/readyz']);
  });

  it('a cluster adds NATS, disruption budgets and the network policies between them', () => {
    const cluster = rendered('cluster');
    const added = namesIn(cluster).filter((name) => !namesIn(rendered('server')).includes(name));
    expect(added.sort()).toEqual([
      'ConfigMap nats',
      'NetworkPolicy nats',
      'NetworkPolicy reto3-nats',
      'PodDisruptionBudget nats',
      'PodDisruptionBudget reto3',
      'Service nats',
      'StatefulSet nats',
    ]);
    expect(statefulSet('cluster')).toMatchObject({
      spec: {
        replicas: 3,
        template: {
          spec: { volumes: expect.arrayContaining([expect.objectContaining({ name: 'nats' })]) },
        },
      },
    });
  });
});

describe('render', () => {
  /** A copy of the manifests in which `change` stands in for `text` of a file. */
  async function changed(file: string, text: string, change: string): Promise<string> {
    const copy = join(await temporaryFolder(), 'kubernetes');
    await cp(folder, copy, { recursive: true });
    const content = readFileSync(join(copy, file), 'utf8');
    expect(content).toContain(text);
    await writeFile(join(copy, file), content.replace(text, change));
    return join(copy, 'cluster');
  }

  it.each([
    ['cluster/kustomization.yaml', '- nats.yaml', '- nat.yaml', 'no such file'],
    ['cluster/kustomization.yaml', 'patches:', 'components:', 'got components'],
    ['cluster/kustomization.yaml', 'behavior: replace', '', 'cannot generate the map reto3'],
    ['cluster/stateful-set.patch.yaml', 'name: reto3\nspec', 'name: reto\nspec', 'cannot patch'],
    ['server/kustomization.yaml', 'name: reto3\n    newTag', 'name: x\n    newTag', 'this image'],
  ])('refuses %s with "%s" changed to "%s"', async (file, text, change, problem) => {
    const cluster = await changed(file, text, change);
    expect(() => render(cluster)).toThrow(problem);
  });
});

/** kubectl 1.21 is the first whose kustomize knows all features used here; Debian 12 has 1.20. */
const { status } = spawnSync('kubectl', ['kustomize', join(folder, 'cluster')], {
  stdio: 'ignore',
});
const lacking = status === 0 ? '' : ' (skipped: kubectl 1.21 or newer is not installed)';

// No failure where it is skipped: all of the above runs without kubectl.
it.skipIf(lacking).each(['server', 'cluster'])(
  `kubectl renders the same objects of %s${lacking}`,
  (name) => {
    const text = execFileSync('kubectl', ['kustomize', join(folder, name)], { encoding: 'utf8' });
    const maps = manifestsIn(text).filter(({ kind }) => kind === 'ConfigMap');
    const withoutHashes = maps.reduce(
      (all, { metadata }) => all.replaceAll(metadata.name, metadata.name.replace(/-\w{10}$/, '')),
      text,
    );
    const byName = (manifests: readonly Manifest[]) =>
      Object.fromEntries(manifests.map((each) => [`${each.kind} ${each.metadata.name}`, each]));
    expect(byName(render(join(folder, name)))).toEqual(byName(manifestsIn(withoutHashes)));
  },
);

it.each(['server', 'cluster'])('reto3 accepts the settings of %s', async (name) => {
  const file = join(folder, name, 'reto3.yaml');
  const { code, stderr } = await runCli(['config', '--check', file]);
  expect([code, stderr]).toEqual([0, '']);
});

it('a server with the settings in the manifest passes its probes, which send no token', async () => {
  const [set] = manifestsIn(readFileSync(join(folder, 'server/stateful-set.yaml'), 'utf8'));
  const { containers } = (set as StatefulSetManifest).spec.template.spec;
  const [{ startupProbe, readinessProbe, livenessProbe }] = containers;
  const tokenFile = join(await temporaryFolder(), 'token');
  await writeFile(tokenFile, 'a-token-of-many-characters', { mode: 0o600 });
  const settings = ['--config', join(folder, 'server/reto3.yaml')];
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: [...settings, '--admin-token-file', tokenFile],
  });
  for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
    const { status } = await fetch(`http://127.0.0.1:${server.adminPort}${httpGet.path}`);
    expect([httpGet.path, status]).toEqual([httpGet.path, 200]);
  }
});

it('the service monitor names the job as the rules do', () => {
  const read = (file: string) => manifestsIn(readFileSync(join(folder, file), 'utf8'));
  const [monitor] = read('monitoring/service-monitor.yaml');
  const { jobLabel } = (monitor as Manifest & { spec: { jobLabel: string } }).spec;
  const admin = read('server/services.yaml').find(
    ({ metadata }) => metadata.name === 'reto3-admin',
  );
  const rules = readFileSync(join(folder, '../monitoring/rules.yml'), 'utf8');
  const jobs = [...rules.matchAll(/job="([^"]+)"/g)].map(([, job]) => job);
  expect(new Set(jobs)).toEqual(new Set([admin?.metadata.labels[jobLabel]]));
});

/** The token that the documented command makes if openssl prints these digits. */
function natsToken(digits: string): string {
  const text = readFileSync(join(folder, '../../docs/kubernetes.md'), 'utf8');
  const [, token = ''] = /reto3-nats --from-literal=token="(.+)"$/m.exec(text) ?? [];
  const script = `openssl() { echo ${digits}; }; printf %s "${token}"`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' });
}

withNats('nats-server accepts its configuration, with any token', async () => {
  const text = readFileSync(join(folder, 'cluster/nats.conf'), 'utf8');
  const file = join(await temporaryFolder(), 'nats.conf');
  // Debian 12 has nats-server 2.9; this setting came with 2.10.
  await writeFile(file, text.replace('sync_interval: always', ''));
  for (const digits of ['a0b1c2', '758e126b25', '012345', '12e4']) {
    const env = { ...process.env, POD_NAME: 'nats-0', NATS_TOKEN: natsToken(digits) };
    const { status: code, stderr } = spawnSync('nats-server', ['-t', '--config', file], {
      encoding: 'utf8',
      env,
    });
    expect([code, stderr]).toEqual([0, expect.stringContaining('configuration file')]);
  }
});
