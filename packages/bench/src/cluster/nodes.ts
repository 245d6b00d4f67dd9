/** Runs many simulated nodes in a process of their own. */
import { fileURLToPath } from 'node:url';
import { runProgram } from '../program.ts';

const script = fileURLToPath(new URL('./nodes.load.js', import.meta.url));
const graceMs = 60_000;

/** Asked of the process, as JSON in its argument. */
export interface NodesOptions {
  readonly urls: string;
  readonly nodes: number;
  /** Of each node. */
  readonly messagesPerSecond: number;
  /** Whole minutes that lie behind, each published in one message, before anything else. */
  readonly minutesBefore: number;
  /** How long each publishes as a server does. */
  readonly seconds: number;
}

/** Printed by the process, as JSON. */
export interface NodesResult {
  /** Start of the first second of which something was published, epoch ms. */
  readonly from: number;
  /** What all nodes counted: what the cluster must have. */
  readonly counted: number;
  /** Of the time in which they published as servers do. */
  readonly messages: number;
  readonly bytes: number;
  /** How late messages were handed to NATS, p99, ms. */
  readonly lateP99Ms: number;
}

export async function runNodes(options: NodesOptions): Promise<NodesResult> {
  const printed = await runProgram(process.execPath, [script, JSON.stringify(options)], {
    cores: undefined,
    mostMs: options.seconds * 1_000 + graceMs,
  });
  // Written by nodes.load.ts of the same build.
  const result: NodesResult = JSON.parse(printed);
  return result;
}
