/** The load of wrk: as many requests as the server takes, over connections that stay open. */
import { fileURLToPath } from 'node:url';
import type { Placement } from '../machine.ts';
import { message, type PeerRequest } from '../peers/peer.ts';
import { runProgram } from '../program.ts';

const script = fileURLToPath(new URL('../../wrk.lua', import.meta.url));

export interface WrkOptions {
  readonly port: number;
  readonly request: PeerRequest;
  readonly connections: number;
  readonly threads: number;
  /** Requests that are sent at once over a connection; their answers are awaited together. */
  readonly depth: number;
  /** Whole seconds; that is how wrk counts. */
  readonly seconds: number;
  readonly cores: readonly number[] | undefined;
}

export interface WrkResult {
  readonly requestsPerSecond: number;
  /** Requests that got no answer, or one that is an error. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Beyond its duration wrk connects, and waits for the last answers. */
const graceMs = 20_000;

/** @throws Error if wrk cannot be run or requests failed */
export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const { port, request, connections, threads, depth, seconds, cores } = options;
  const { method, path, body } = request;
  const printed = await runProgram(
    'wrk',
    [
      ...['-t', `${threads}`, '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '5s'],
      ...['-s', script, `http://127.0.0.1:${port}`, '--', method, path, body, `${depth}`],
    ],
    { cores, mostMs: seconds * 1_000 + graceMs },
  );
  const result = parseWrk(printed);
  if (result.failed > 0) throw new Error(`${result.failed} requests of wrk failed on ${path}`);
  if (result.requestsPerSecond === 0) throw new Error(`wrk got no answer from port ${port}`);
  return result;
}

/** Of the usual load. */
export const keepAliveConnections = 64;

/** The usual load, a message in a packet, on the load's core; requests per second. */
export async function runKeepAlive(
  placement: Placement,
  { port }: { readonly port: number },
  seconds: number,
): Promise<number> {
  const { requestsPerSecond } = await runWrk({
    port,
    request: message,
    connections: keepAliveConnections,
    threads: 1,
    depth: 1,
    seconds,
    cores: placement.load,
  });
  return requestsPerSecond;
}

/** Reads what wrk.lua prints. @throws Error if it is not there */
export function parseWrk(printed: string): WrkResult {
  const line = printed.split('\n').find((each) => each.startsWith('wrk.lua '));
  if (line === undefined) throw new Error(`got no result of wrk, but: ${printed.trim()}`);
  const measured: unknown = JSON.parse(line.slice(line.indexOf('{')));
  const field = (name: string): number => {
    const value: unknown = Object.entries(measured ?? {}).find(([each]) => each === name)?.[1];
    if (typeof value !== 'number') throw new Error(`got no ${name} of wrk: ${line}`);
    return value;
  };
  return {
    requestsPerSecond: field('requests') / (field('microseconds') / 1e6),
    failed: field('failed'),
    p50Ms: field('p50') / 1e3,
    p99Ms: field('p99') / 1e3,
  };
}
