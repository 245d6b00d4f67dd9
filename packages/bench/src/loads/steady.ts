/**
 * Runs `OpenLoop` in a process of its own, on the load's core, and with it, where asked, what
 * watches the counts meanwhile.
 */
import { fileURLToPath } from 'node:url';
import { message } from '../peers/peer.ts';
import { runProgram } from '../program.ts';
import type { OpenLoopOptions } from './open-loop.ts';

const script = fileURLToPath(new URL('./steady.load.js', import.meta.url));

/** Asked of the process, as JSON in its argument. */
export interface SteadyOptions extends OpenLoopOptions {
  /** Of reto3's query API, where its delays are to be measured. */
  readonly adminUrl?: string;
}

/** Printed by the process, as JSON. Times in ms. */
export interface SteadyResult {
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** What the generator was late by. */
  readonly lagP99Ms: number;
  /** From an answer to its being visible; absent without `adminUrl`. */
  readonly visible?: Delay;
  /** From the end of a window to its arrival through /v1/live. */
  readonly live?: Delay;
}

export interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}

const graceMs = 30_000;

/** The usual shape of a load at that rate. */
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

export async function runSteady(
  options: SteadyOptions,
  cores: readonly number[] | undefined,
): Promise<SteadyResult> {
  const printed = await runProgram(process.execPath, [script, JSON.stringify(options)], {
    cores,
    mostMs: options.seconds * 1_000 + graceMs,
  });
  // Written by steady.load.ts of the same build.
  const result: SteadyResult = JSON.parse(printed);
  return result;
}
