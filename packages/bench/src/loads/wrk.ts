/** The load of wrk: as many requests as the server answers, over keep-alive connections. */
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
  /** Requests pipelined per connection; wrk waits for their answers together. */
  readonly depth: number;
  /** Spread over so many paths below the request's, in turn; by default only its own. */
  readonly paths?: number | undefined;
  /** Whole seconds, as wrk requires. */
  readonly seconds: number;
  readonly cores: readonly number[] | undefined;
}

export interface WrkResult {
  readonly requestsPerSecond: number;
  /** Requests without an answer or with an error. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Time for wrk to connect and to wait for the last answers. */
const graceMs = 20_000;

/** @throws Error if wrk cannot be run or requests failed */
export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const { port, request, connections, threads, depth, paths = 1, seconds, cores } = options;
  const { method, path, body } = request;
  const printed = await runProgram(
    'wrk',
    [
      ...['-t', `${threads}`, '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '5s'],
      ...[
        '-s',
        script,
        `http://127.0.0.1:${port}`,
        '--',
        method,
        path,
        body,
        `${depth}`,
        `${paths}`,
      ],
    ],
    { cores, maxMs: seconds * 1_000 + graceMs },
  );
  const result = parseWrk(printed);
  if (result.failed > 0) throw new Error(`${result.failed} requests of wrk failed on ${path}`);
  if (result.requestsPerSecond === 0) throw new Error(`wrk got no answer from port ${port}`);
  return result;
}

export const keepAliveConnections = 64;

/**
 * The usual load, one message per packet, on the load's core. Returns requests per second.
 * @param paths how many paths the messages are spread over
 */
export async function runKeepAlive(
  placement: Placement,
  { port }: { readonly port: number },
  seconds: number,
  paths?: number,
): Promise<number> {
  const { requestsPerSecond } = await runWrk({
    port,
    request: message,
    connections: keepAliveConnections,
    threads: 1,
    depth: 1,
    paths,
    seconds,
    cores: placement.load,
  });
  return requestsPerSecond;
}

/** Parses the output of wrk.lua. @throws Error if it is missing */
export function parseWrk(printed: string): WrkResult {
  const line = printed.split('\n').find((each) => each.startsWith('wrk.lua '));
  if (line === undefined) throw new Error(`cannot find wrk's result in: ${printed.trim()}`);
  const measured: unknown = JSON.parse(line.slice(line.indexOf('{')));
  const field = (name: string): number => {
    const value: unknown = Object.entries(measured ?? {}).find(([each]) => each === name)?.[1];
    if (typeof value !== 'number') throw new Error(`cannot find ${name} in wrk's result: ${line}`);
    return value;
  };
  return {
    requestsPerSecond: field('requests') / (field('microseconds') / 1e6),
    failed: field('failed'),
    p50Ms: field('p50') / 1e3,
    p99Ms: field('p99') / 1e3,
  };
}
