/**
 * The profile `monitoring` of docker-compose.yml: Prometheus finds the server by its service name,
 * scrapes its metrics and loads the rules. (tests/server/monitoring.test.ts checks Grafana's
 * provisioning against the metrics.)
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../support/wait.ts';
import { Compose, docker } from './compose.ts';

const rulesFile = fileURLToPath(new URL('../../deploy/monitoring/rules.yml', import.meta.url));
const api = 'http://127.0.0.1:9090/api/v1';
const messages = 100;
let compose: Compose;

beforeAll(async () => {
  compose = await Compose.open({ file: 'docker-compose.yml', built: ['server'], environment: {} });
  await compose.run('build', 'server');
  await compose.run('up', '--detach', 'server');
  const server = await compose.container('server');
  await docker('exec', server, 'sh', '-c', 'until reto3 health; do sleep 0.2; done');
  for (let sent = 0; sent < messages; sent++) await fetch('http://127.0.0.1:8080/');
  await compose.run('up', '--detach', 'prometheus');
});

afterAll(() => compose?.close());

interface Answer {
  readonly data: {
    readonly activeTargets?: readonly { readonly health: string; readonly lastError: string }[];
    readonly groups?: readonly { readonly rules: readonly { readonly health: string }[] }[];
    readonly result?: readonly { readonly value: readonly [number, string] }[];
  };
}

/** Undefined until Prometheus answers. */
async function ask(path: string): Promise<Answer['data'] | undefined> {
  try {
    const answer: Answer = JSON.parse(await (await fetch(api + path)).text());
    return answer.data;
  } catch {
    return undefined;
  }
}

test('Prometheus scrapes the server and accepts all rules', async () => {
  let error = 'no target';
  await waitUntil('the server is read', async () => {
    const [target] = (await ask('/targets'))?.activeTargets ?? [];
    error = target?.lastError ?? error;
    return target?.health === 'up';
  }).catch(() => expect.fail(error));
  const total = await ask('/query?query=sum(reto3_messages_total)');
  expect(total?.result?.map(({ value: [, text] }) => Number(text))).toEqual([messages]);

  const written = (await readFile(rulesFile, 'utf8')).match(/^\s+- (?:alert|record):/gm) ?? [];
  await waitUntil('every rule was evaluated', async () => {
    const rules = (await ask('/rules'))?.groups?.flatMap(({ rules }) => rules) ?? [];
    return rules.length === written.length && rules.every(({ health }) => health === 'ok');
  });
  expect(written.length).toBeGreaterThan(3);
});
