/** `--otlp-url`: a server's metrics reach an OpenTelemetry collector. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

interface Point {
  readonly asInt?: number;
  readonly asDouble?: number;
  readonly count?: number;
}

interface Export {
  readonly resource: string;
  /** Each metric's sum over its points; a histogram counts its values. */
  readonly totals: ReadonlyMap<string, number>;
}

function exportIn(body: string): Export {
  const [{ resource, scopeMetrics }] = JSON.parse(body).resourceMetrics;
  const totals = new Map<string, number>();
  for (const { name, sum, gauge, histogram } of scopeMetrics[0].metrics) {
    const points: Point[] = (sum ?? gauge ?? histogram).dataPoints;
    const values = points.map(({ asInt, asDouble, count }) =>
      Number(asInt ?? asDouble ?? count ?? 0),
    );
    totals.set(
      name,
      values.reduce((one, other) => one + other, 0),
    );
  }
  return { resource: JSON.stringify(resource), totals };
}

test('a collector gets every count, even the last ones, and its failures harm nothing', async () => {
  const exports: Export[] = [];
  let status = 503;
  const collector = createServer(async (request, response) => {
    const body = await text(request);
    if (status === 200) exports.push(exportIn(body));
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  const url = `http://127.0.0.1:${await listen(collector)}/v1/metrics`;
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--otlp-url', url, '--otlp-seconds', '1', '--node', 'web-1'],
  });
  await waitUntil('the failure is logged', () => server.stderr.includes('cannot send metrics'));
  await Load.start({ port: server.port, connections: 4, depth: 8, requests: 10_000 }).done;
  status = 200;
  await waitUntil('the counts arrive', () =>
    exports.some(({ totals }) => totals.get('reto3_messages_total') === 10_000),
  );
  expect(exports[0]?.resource).toContain('web-1');
  expect([...(exports[0]?.totals.keys() ?? [])]).toContain('reto3_ready');
  await Load.start({ port: server.port, connections: 4, depth: 8, requests: 5_000 }).done;
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(exports.at(-1)?.totals.get('reto3_messages_total')).toBe(15_000);
  expect(server.stderr).toContain('the collector takes metrics again');
});
