/** The rules, dashboard and configuration in deploy/monitoring/ match the server's metrics. */
import { spawnSync } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { askText } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const monitoring = fileURLToPath(new URL('../../deploy/monitoring', import.meta.url));

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

let rules: string;
let expressions: readonly string[];

beforeAll(async () => {
  rules = await readFile(join(monitoring, 'rules.yml'), 'utf8');
  const file = join(monitoring, 'grafana/dashboards/reto3.json');
  const dashboard: Dashboard = JSON.parse(await readFile(file, 'utf8'));
  expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(expressions.length).toBeGreaterThan(15);
});

function promtool(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

test('rules and dashboard use only metrics that the server has', async () => {
  const alert = ['--alert', 'min > 1000000', '--alert-url', 'http://127.0.0.1:9'];
  // The metrics of a cluster are exported even while NATS is away.
  const flags = [...alert, '--nats', 'nats://127.0.0.1:9', '--role', 'both'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const { families } = await scrape(server.adminUrl);
  const asked = [rules, ...expressions].join('\n').matchAll(/\b(?:reto3|process)_[a-z0-9_]+/g);
  const names = new Set([...asked].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, '')));
  expect([...names].filter((name) => !families.has(name))).toEqual([]);
  expect(names.size).toBeGreaterThan(15);
});

test('each alert has a test', async () => {
  const tests = await readFile(join(monitoring, 'rules.test.yml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect([...tests.matchAll(/- name: (\w+)/g)].map(([, name]) => name).sort()).toEqual(
    alerts.sort(),
  );
});

requires('promtool')(
  'promtool accepts the configuration and the rules, and each alert fires when it should',
  async () => {
    expect(promtool('check', 'config', join(monitoring, 'prometheus.yml')).status).toBe(0);
    const checked = promtool('check', 'rules', '--lint-fatal', join(monitoring, 'rules.yml'));
    expect(checked).toMatchObject({ status: 0 });
    const tried = promtool('test', 'rules', join(monitoring, 'rules.test.yml'));
    expect(tried.said).toContain('SUCCESS');
    expect(tried.status).toBe(0);
  },
);

requires('promtool')("promtool accepts the dashboard's expressions", async () => {
  const file = join(await temporaryFolder(), 'rules.json');
  // Fill in Grafana's variables, as Grafana does. JSON is YAML.
  const recorded = expressions.map((expr, index) => ({
    record: `panel:expression:${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
  }));
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
  const { said, status } = promtool('check', 'rules', file);
  expect(said).toContain(`${expressions.length} rules found`);
  expect(status).toBe(0);
});

describe('a Prometheus server', () => {
  requires('prometheus')('scrapes the counts exactly', async () => {
    const folder = await temporaryFolder();
    const server = await Server.start({ dataDir: join(folder, 'data') });
    const sent = 1_000;
    await Load.start({ port: server.port, connections: 2, depth: 4, requests: sent }).done;
    const port = await freePort();
    await cp(join(monitoring, 'rules.yml'), join(folder, 'rules.yml'));
    const config = await readFile(join(monitoring, 'prometheus.yml'), 'utf8');
    await writeFile(
      join(folder, 'prometheus.yml'),
      config
        .replace('server:8081', `127.0.0.1:${server.adminPort}`)
        .replaceAll('_interval: 15s', '_interval: 1s'),
    );
    launch('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const answer = <T>(path: string): Promise<T | undefined> =>
      askText(`http://127.0.0.1:${port}`, path).then(JSON.parse, () => undefined);
    const value = async (query: string): Promise<string | undefined> => {
      const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
      return (await answer<Value>(path))?.data.result[0]?.value[1];
    };
    await waitUntil('Prometheus has the counts', async () => {
      return (await value('sum(reto3_messages_total)')) === String(sent);
    });
    expect(await value('up{job="reto3"}')).toBe('1');
    await waitUntil('all rules were evaluated, and none fires', async () => {
      const groups = (await answer<Rules>('/api/v1/rules'))?.data.groups ?? [];
      const states = groups.flatMap(({ rules }) =>
        rules.map(({ health, state }) => health + state),
      );
      return states.length > 0 && states.every((state) => state === 'okinactive');
    });
  });
});

interface Rules {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly health: string; readonly state: string }[];
    }[];
  };
}

/** A query result; a value is a time and a number as text. */
interface Value {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}
