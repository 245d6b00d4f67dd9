/**
 * A peer: a server that can be found, started, loaded and stopped. reto3 is one of them.
 */
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

/** The load of the challenge: what Tsung sends, with a time that stands still. */
export const message: PeerRequest = {
  method: 'POST',
  path: '/',
  body: 'value=2016-05-28 11:11:11.010122',
};

export interface Place {
  /** An empty folder of its own. */
  readonly folder: string;
  readonly cores: readonly number[] | undefined;
  /** Threads or processes that take requests. */
  readonly workers: number;
}

export interface Peer {
  readonly name: string;
  /** What one request makes it do. */
  readonly does: string;
  readonly request: PeerRequest;
  /** What it needs of the machine, program → Debian package. */
  readonly needs: Readonly<Record<string, string>>;
  /** What it needs beside programs. */
  readonly module?: { readonly debianPackage: string; readonly found: () => boolean };
  version(): string | undefined;
  start(place: Place): Promise<RunningPeer>;
}

/** Debian packages of the peer that the machine does not have. */
export function missingOf(peer: Peer): string[] {
  const missing = Object.entries(peer.needs)
    .filter(([name]) => findProgram(name) === undefined)
    .map(([, debianPackage]) => debianPackage);
  if (peer.module?.found() === false) missing.push(peer.module.debianPackage);
  return missing;
}

/** How long a server may take until it answers. */
export const startMs = 30_000;
/** Between two tries to reach a server that starts. */
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

  /** Processor time of each thread so far, in seconds, by the number of the thread. */
  threadSeconds(): Map<string, number> {
    return new Map(this.#programs.flatMap((program) => [...threadSecondsOf(program.group)]));
  }

  async stop(): Promise<void> {
    for (const program of this.#programs.toReversed()) await program.stop();
  }
}

/**
 * Starts the programs of a peer, in order, and resolves when the port answers.
 * @throws Error with what the program said, if it ends before
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
    if (ended !== undefined) throw new Error(`${ended.name} ended at once: ${ended.complaint}`);
    const status = await ask(port, ready);
    if (status !== undefined && status < 400) return;
    await setTimeout(retryMs);
  }
  throw new Error(`nothing answers on port ${port} after ${startMs} ms`);
}

/** Sends one request on a connection of its own; the status, or undefined where nobody answers. */
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
