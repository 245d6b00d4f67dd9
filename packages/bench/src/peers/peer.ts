/** A peer: a server to measure. reto3 is one of them. */
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { findProgram, Program, type ProgramOptions } from '../program.ts';
import { sumOf, threadSecondsOf, type Usage, usageOf } from '../usage.ts';

/** The request that makes a peer do its work once. */
export interface PeerRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** The request of the challenge: what Tsung sends, with a fixed time stamp. */
export const message: PeerRequest = {
  method: 'POST',
  path: '/',
  body: 'value=2016-05-28 11:11:11.010122',
};

export interface Place {
  /** An empty folder for this peer alone. */
  readonly folder: string;
  readonly cores: readonly number[] | undefined;
  /** Threads or processes that handle requests. */
  readonly workers: number;
}

export interface Peer {
  readonly name: string;
  /** What the peer does per request. */
  readonly does: string;
  readonly request: PeerRequest;
  /** Required programs → their Debian packages. */
  readonly needs: Readonly<Record<string, string>>;
  /** The Debian package of a required module, which is not a program. */
  readonly module?: { readonly debianPackage: string; readonly found: () => boolean };
  version(): string | undefined;
  start(place: Place): Promise<RunningPeer>;
}

/** The peer's Debian packages that are missing on this machine. */
export function missingOf(peer: Peer): string[] {
  const missing = Object.entries(peer.needs)
    .filter(([name]) => findProgram(name) === undefined)
    .map(([, debianPackage]) => debianPackage);
  if (peer.module?.found() === false) missing.push(peer.module.debianPackage);
  return missing;
}

/** How long a server may take to start. */
export const startMs = 30_000;
/** The pause between attempts to reach a starting server. */
export const retryMs = 2;

export class RunningPeer {
  readonly port: number;
  readonly #programs: readonly Program[];

  constructor(port: number, programs: readonly Program[]) {
    this.port = port;
    this.#programs = programs;
  }

  usage(): Usage {
    return sumOf(this.#programs.map((program) => usageOf(program.group)));
  }

  /** CPU seconds of each thread so far, by thread ID. */
  threadSeconds(): Map<string, number> {
    return new Map(this.#programs.flatMap((program) => [...threadSecondsOf(program.group)]));
  }

  async stop(): Promise<void> {
    for (const program of this.#programs.toReversed()) await program.stop();
  }
}

/**
 * Starts a peer's programs in order; resolves when the port answers.
 * @throws Error with the output of a program that exits first
 */
export async function startPeer(
  port: number,
  commands: readonly (readonly [name: string, args: readonly string[], options: ProgramOptions])[],
  ready: PeerRequest = message,
): Promise<RunningPeer> {
  const programs: Program[] = [];
  try {
    for (const [name, args, options] of commands) programs.push(new Program(name, args, options));
    await answers(port, ready, programs);
    return new RunningPeer(port, programs);
  } catch (error) {
    for (const program of programs) await program.stop();
    throw error;
  }
}

async function answers(
  port: number,
  ready: PeerRequest,
  programs: readonly Program[],
): Promise<void> {
  const deadlineMs = performance.now() + startMs;
  while (performance.now() < deadlineMs) {
    const ended = programs.find((program) => program.hasEnded);
    if (ended !== undefined) throw new Error(`cannot start ${ended.name}: ${ended.errorOutput}`);
    const status = await ask(port, ready);
    if (status !== undefined && status < 400) return;
    await setTimeout(retryMs);
  }
  throw new Error(`got no answer on port ${port} within ${startMs} ms`);
}

/** Sends one request on a new connection. Returns the status; undefined without an answer. */
export function ask(
  port: number,
  { method, path, body }: PeerRequest,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const client = request(
      { host: '127.0.0.1', port, method, path, agent: false, timeout: startMs },
      (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode));
      },
    );
    client.once('error', () => resolve(undefined));
    client.once('timeout', () => client.destroy());
    client.end(body);
  });
}
