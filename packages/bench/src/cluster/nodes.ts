/** Runs many simulated nodes in a separate process. */
import { fileURLToPath } from 'node:url';
import { runScript } from '../program.ts';

const script = fileURLToPath(new URL('./nodes.load.js', import.meta.url));
const graceMs = 60_000;

/** The process's argument, as JSON. */
export interface NodesOptions {
  readonly urls: string;
  readonly nodes: number;
  /** Per node. */
  readonly messagesPerSecond: number;
  /** Minutes of history to publish first, one message each. */
  readonly minutesBefore: number;
  /** How long each node then publishes live, like a server. */
  readonly seconds: number;
}

/** The process's output, as JSON. */
export interface NodesResult {
  /** Start of the first published second, epoch ms. */
  readonly from: number;
  /** The messages of all nodes, which the cluster must count. */
  readonly counted: number;
  /** Messages and bytes published live. */
  readonly messages: number;
  readonly bytes: number;
  /** How late messages were sent to NATS, p99, ms. */
  readonly lateP99Ms: number;
}

export function runNodes(options: NodesOptions): Promise<NodesResult> {
  const maxMs = options.seconds * 1_000 + graceMs;
  return runScript(script, options, { cores: undefined, maxMs });
}
