/**
 * Program: `node nodes.load.js OPTIONS` simulates many nodes until SIGTERM; nodes.ts types its JSON.
 *
 * First it fills the stream with the past, a message for each second, as much as the stream keeps.
 * Then each node publishes live and answers mergers.
 */
import { setTimeout } from 'node:timers/promises';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect, type Msg } from '@nats-io/transport-node';
import { encodeMessage, type NodeMessage } from '@reto3/cluster';
import { quantile } from '../statistics.ts';
import type { NodesOptions, NodesResult } from './nodes.ts';
import { publishAfterMs, Seconds, SimulatedNode, secondMs } from './simulated-node.ts';

const subjects = 'reto3.windows';
/** How much of each node the stream keeps: 1,000 messages of a second each. */
const streamMs = 1_000 * secondMs;
/** Messages of the past in flight at once. */
const maxInFlight = 1_000;

const options: NodesOptions = JSON.parse(process.argv[2] ?? '');
const { from } = options;
const connection = await connect({ servers: options.urls.split(',') });
const client: JetStreamClient = jetstream(connection);
const seconds = new Seconds(options.messagesPerSecond);
const nodes = Array.from(
  { length: options.nodes },
  (_, index) => new SimulatedNode(index, options.nodes, seconds, from),
);
const byName = new Map(nodes.map((node) => [node.name, node]));
const inFlight = new Set<Promise<unknown>>();
let [messages, bytesPublished, replyBytes] = [0, 0, 0];
const lateMs: number[] = [];
let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});

/** If the work fails, this process does. */
function track(work: Promise<unknown>): void {
  const done = work.finally(() => inFlight.delete(done));
  inFlight.add(done);
}

function publish(node: SimulatedNode, message: NodeMessage): void {
  const bytes = encodeMessage(message, node.name);
  bytesPublished += bytes.length;
  messages++;
  track(client.publish(`${subjects}.${node.name}`, bytes));
}

/** Sends the open second to mergers directly, past the stream. */
function tell(node: SimulatedNode, message: NodeMessage): void {
  connection.publish(`${subjects}.open.${node.name}`, encodeMessage(message, node.name));
}

async function answer(request: Msg): Promise<void> {
  const node = byName.get(request.subject.slice(`${subjects}.read.`.length));
  if (node === undefined) throw new Error(`got a request on ${request.subject}`);
  const reply = await node.answer(request.data);
  replyBytes += reply.length;
  request.respond(reply);
}

/** Publishes the seconds that are over. Returns the end of the first one that is not. */
async function publishThePast(): Promise<number> {
  const lastPhaseMs = nodes.at(-1)?.phaseMs ?? 0;
  let second = Math.max(from, Math.floor(Date.now() / secondMs) * secondMs - streamMs) + secondMs;
  for (; second + lastPhaseMs < Date.now() && !stopping; second += secondMs) {
    for (const node of nodes) {
      publish(node, node.live(second, node.phaseMs));
      if (inFlight.size >= maxInFlight) await Promise.all(inFlight);
    }
  }
  await Promise.all(inFlight);
  return second;
}

/**
 * Sends each message when it is due; if this process is late, so are its nodes. Returns the end of
 * the last second that it published.
 */
async function publishLive(begin: number): Promise<number> {
  for (let second = begin; ; second += secondMs) {
    const isLast = stopping;
    for (const afterMs of isLast ? publishAfterMs.slice(0, 1) : publishAfterMs) {
      for (const node of nodes) {
        const due = second + afterMs + node.phaseMs;
        const early = due - Date.now();
        if (early > 0) await setTimeout(early);
        lateMs.push(Date.now() - due);
        const message = node.live(second, afterMs + node.phaseMs);
        if (afterMs === 0) publish(node, message);
        else tell(node, message);
      }
    }
    if (isLast) return second;
  }
}

const reads = connection.subscribe(`${subjects}.read.*`, {
  callback: (error, request) => {
    if (error !== null) throw error;
    track(answer(request));
  },
});
const liveFrom = await publishThePast();
messages = bytesPublished = 0;
process.stdout.write('live\n');
const to = await publishLive(liveFrom);
reads.unsubscribe();
await Promise.all(inFlight);
await connection.close();

const result: NodesResult = {
  counted: seconds.sum(options.nodes, from, to),
  seconds: (to - liveFrom) / secondMs + 1,
  messages,
  bytes: bytesPublished,
  replyBytes,
  lateP99Ms: quantile(lateMs, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
