/**
 * Runs `OpenLoop` in a separate process on the load's core; optionally measures the delays of the
 * counts meanwhile.
 */
import { fileURLToPath } from 'node:url';
import { message } from '../peers/peer.ts';
import { runScript } from '../program.ts';
import type { OpenLoopOptions } from './open-loop.ts';

const script = fileURLToPath(new URL('./steady.load.js', import.meta.url));

/** The process's argument, as JSON. */
export interface SteadyOptions extends OpenLoopOptions {
  /** The query API whose delays to measure, if any. */
  readonly adminUrl?: string;
}

/** The process's output, as JSON. Times in ms. */
export interface SteadyResult {
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The generator's lag. */
  readonly lagP99Ms: number;
  /** From an answer until the counts include its request; absent without `adminUrl`. */
  readonly visible?: Delay;
  /** From the end of a window until it arrives on /v1/live. */
  readonly live?: Delay;
}

export interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}

const graceMs = 30_000;

/** The load's options for this rate. */
export function steady(
  ports: number | readonly [number, ...number[]],
  requestsPerSecond: number,
  seconds: number,
): SteadyOptions {
  return {
    ports: typeof ports === 'number' ? [ports] : ports,
    request: message,
    requestsPerSecond,
    seconds,
    warmUpSeconds: 0.5,
    connections: 64,
    depth: 1,
  };
}

export function runSteady(
  options: SteadyOptions,
  cores: readonly number[] | undefined,
): Promise<SteadyResult> {
  return runScript(script, options, { cores, maxMs: options.seconds * 1_000 + graceMs });
}
