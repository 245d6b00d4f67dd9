/**
 * The parts of a message that reports see beside its path: headers, host and client, with each
 * engine.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { archiveSettled } from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { exchange } from '../support/raw-http.ts';
import { askReport } from '../support/report.ts';
import { Server } from '../support/server.ts';

/** A report that keeps as text what it sees of each message. */
const parts = (needs: string) => `
  import { defineReport } from 'reto3/report';
  const columns = { host: 'host', client: 'client', headers: 'as JSON', status: 'status' };
  export default defineReport({
    name: 'parts',
    summary: 'What messages have',
    needs: ${needs},
    columns,
    create: () => [],
    add(all, { host, client, headers, status, durationMs, source }) {
      if (durationMs !== undefined || source !== undefined) throw new Error('not imported');
      all.push({ host, client, headers: JSON.stringify(headers), status });
    },
    merge: (a, b) => [...a, ...b],
    rows: (all) => all,
  });
`;

async function partsOf(needs: string, flags: readonly string[], heads: readonly string[]) {
  const folder = await temporaryFolder();
  const path = join(folder, 'parts.mjs');
  await writeFile(path, parts(needs));
  const dataDir = join(folder, 'data');
  const server = await Server.start({ dataDir, flags: ['--report', path, ...flags] });
  for (const head of heads)
    await exchange(server.port, [`GET /a?b HTTP/1.1\r\n${head}Connection: close\r\n\r\n`], 1);
  const { rows } = await askReport(server, 'parts', 'min');
  return { rows: rows.map(([, ...cells]) => cells), server, path, dataDir };
}

const headers = 'Host: Reto3.example:80\r\nX-Tenant: a\r\nX-Other: b\r\n';
const forwarded = 'X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.1\r\n';

describe.each(['uws', 'node'])('with --http %s', (engine) => {
  test('a report sees the parts that it needs, and no others', async () => {
    const http = ['--http', engine];
    const all = "['host', 'client', 'header:x-tenant', 'header:x-none']";
    const { rows } = await partsOf(all, http, [headers]);
    expect(rows).toEqual([['reto3.example:80', '127.0.0.1', '{"x-tenant":"a"}', 200]]);
    expect((await partsOf("'head'", http, [headers])).rows).toEqual([['', '', '{}', 200]]);
    const { rows: every } = await partsOf("['headers', 'body']", http, [headers]);
    expect(every).toEqual([['', '', expect.stringMatching(/"x-tenant":"a","x-other":"b"/), 200]]);
  });

  test('a trusted proxy names the client, and no other peer can', async () => {
    const heads = [`${headers}${forwarded}`, headers];
    const trusting = ['--http', engine, '--trust-proxy', '127.0.0.0/8'];
    const { rows } = await partsOf("'client'", trusting, heads);
    expect(rows.map(([, client]) => client)).toEqual(['198.51.100.1', '127.0.0.1']);
    const others = ['--http', engine, '--trust-proxy', '10.0.0.0/8'];
    const { rows: without } = await partsOf("'client'", others, heads);
    expect(without.map(([, client]) => client)).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test('the archive keeps host and client, so a replay sees them', async () => {
    const archive = ['--http', engine, '--archive'];
    const { rows, server, path, dataDir } = await partsOf("['host', 'client']", archive, [headers]);
    await archiveSettled(server);
    await server.stop();
    const folder = ['--data-dir', dataDir, '--format', 'csv'];
    const replayed = await runCli(['replay', path, 'min', ...folder]);
    expect(replayed.stdout).toMatch(/,reto3\.example:80,127\.0\.0\.1,\{\},200\n$/);
    expect(rows).toHaveLength(1);
    const sql = 'SELECT host, client, status, duration_ms, source FROM messages';
    const queried = await runCli(['query', sql, ...folder]);
    expect(queried.stdout.split('\n')[1]).toBe('reto3.example:80,127.0.0.1,200,,');
  });
});

test('a report that needs headers cannot be replayed, and says why', async () => {
  const { server, path, dataDir } = await partsOf("'headers'", ['--archive'], [headers]);
  await server.stop();
  const refused = await runCli(['replay', path, 'min', '--data-dir', dataDir]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/it needs headers, and an archive keeps none .*RETO3_BAD_REPORT/);
});
