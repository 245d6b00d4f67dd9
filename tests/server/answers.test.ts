/** The query API's real answers match the schemas that describe them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  answerSchemas,
  errorSchema,
  liveEventSchema,
  reportRowSchema,
  statsRowSchema,
} from '@reto3/client/answers';
import { expect, test } from 'vitest';
import { askText, assertFits } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { readLive } from '../support/live.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { untilFinal } from '../support/stats.ts';

const requests = 500;

/** A server with an archive and a report whose messages are all final. */
async function countingServer(): Promise<Server> {
  const flags = ['--archive', '--report', 'sizes,top'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  await Load.start({ port: server.port, connections: 4, depth: 4, requests }).done;
  await untilFinal(server, Date.now());
  return server;
}

/** Requests for routes that need parameters. */
const asked: Readonly<Record<string, string>> = {
  '/v1/stats/{period}': '/v1/stats/ms10',
  '/v1/reports/{name}': '/v1/reports/sizes?period=ms10',
  '/v1/whatif': '/v1/whatif?capacity=1000',
};

/** Only servers of a cluster have these routes; tests/cluster validates them. */
const ofCluster = '/v1/cluster';

test('a field that a schema lacks, or a missing one, fails', () => {
  const row = { start: 10, count: 1 };
  assertFits(statsRowSchema, row, 'a row');
  expect(() => assertFits(statsRowSchema, { ...row, rate: 1 }, 'a row')).toThrow('additional');
  expect(() => assertFits(statsRowSchema, { start: 10 }, 'a row')).toThrow('count');
});

test('every JSON answer matches its schema', async () => {
  const server = await countingServer();
  for (const [path, schema] of Object.entries(answerSchemas)) {
    if (path.startsWith(ofCluster)) continue;
    const json = JSON.parse(await askText(server.adminUrl, asked[path] ?? path));
    assertFits(schema, json, path);
  }
});

interface OpenApi {
  readonly paths: Readonly<Record<string, { readonly get?: Operation }>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

test('every route that answers JSON has a schema', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { paths }: OpenApi = JSON.parse(await askText(server.adminUrl, '/openapi.json'));
  const answering = Object.entries(paths).filter(
    ([, { get }]) => 'application/json' in (get?.responses['200']?.content ?? {}),
  );
  expect(answering.map(([path]) => path).sort()).toEqual(Object.keys(answerSchemas).sort());
});

test('every row of NDJSON matches its schema', async () => {
  const server = await countingServer();
  const everything = 'format=ndjson&from=0&open=true';
  for (const [path, schema] of [
    [`/v1/stats/ms10?${everything}`, statsRowSchema],
    // The first second was counted in part.
    [`/v1/stats/sec?${everything}`, statsRowSchema],
    [`/v1/reports/sizes?period=sec&${everything}`, reportRowSchema],
    [`/v1/reports/top?${everything}`, reportRowSchema],
  ] as const) {
    const rows = (await askText(server.adminUrl, path)).trimEnd().split('\n');
    for (const row of rows) assertFits(schema, JSON.parse(row), path);
  }
});

test('every live event matches its schema, past and current', async () => {
  const server = await countingServer();
  const enough = new AbortController();
  let [past, live] = [0, 0];
  // Begin far enough back that the store answers first.
  const query = 'period=ms10&from=0&every=100';
  for await (const { at: _, id, ...event } of readLive(server.adminUrl, query, enough.signal)) {
    assertFits(liveEventSchema, event, '/v1/live');
    expect(id).toBe(event.to);
    if (event.messagesInAll === undefined) past++;
    else live++;
    if (live === 3) enough.abort();
  }
  expect(past).toBeGreaterThan(0);
});

test.each([
  [400, '/v1/stats/hour'],
  [400, '/v1/stats/sec?from=yesterday'],
  [400, '/v1/stats/sec?unknown=1'],
  [400, '/v1/bursts?rise=few'],
  [400, '/%'],
  [404, '/nothing'],
  [404, '/v1/reports/none'],
  [404, '/v1/reports?scope=cluster'],
  [404, '/v1/bursts?from=2001-01-01&to=2001-01-02'],
  [404, ofCluster],
])('an answer with status %i fits the schema of errors: %s', async (status, path) => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const response = await fetch(server.adminUrl + path);
  expect(response.status).toBe(status);
  assertFits(errorSchema, await response.json(), path);
});

test('an answer to a request without its token matches its schema', async () => {
  const token = join(await temporaryFolder(), 'token');
  await writeFile(token, 'a token of forty characters, or nearly so');
  const flags = ['--admin-token-file', token];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const response = await fetch(`${server.adminUrl}/v1/info`);
  expect(response.status).toBe(401);
  assertFits(errorSchema, await response.json(), '/v1/info');
});
