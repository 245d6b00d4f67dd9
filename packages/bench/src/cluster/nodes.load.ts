/** Program: `node nodes.load.js OPTIONS` simulates many nodes; nodes.ts types its JSON. */
import { setTimeout } from 'node:timers/promises';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { encodeMessage, type NodeMessage } from '@reto3/cluster';
import { quantile } from '../statistics.ts';
import type { NodesOptions, NodesResult } from './nodes.ts';
import { publishAfterMs, Seconds, SimulatedNode, secondMs } from './simulated-node.ts';

const minuteMs = 60_000;
/** The pause between history and the first live second. */
const pauseMs = 500;
/** Messages of history in flight at once. */
const maxInFlight = 200;

const options: NodesOptions = JSON.parse(process.argv[2] ?? '');
const connection = await connect({ servers: options.urls.split(',') });
const client: JetStreamClient = jetstream(connection);
const seconds = new Seconds(options.messagesPerSecond);
const liveFrom = Math.ceil((Date.now() + 1) / minuteMs) * minuteMs;
const from = liveFrom - (options.minutesBefore + 1) * minuteMs;
const nodes = Array.from(
  { length: options.nodes },
  (_, index) => new SimulatedNode(index, options.nodes, seconds, from),
);
let counted = 0;
let bytesPublished = 0;
let published = 0;
const lateMs: number[] = [];

async function publish(node: SimulatedNode, message: NodeMessage): Promise<void> {
  const bytes = encodeMessage(message, node.name);
  bytesPublished += bytes.length;
  published++;
  await client.publish(`reto3.windows.${node.name}`, bytes);
}

/** Sends the open second to mergers directly, past the stream. */
function tell(node: SimulatedNode, message: NodeMessage): void {
  connection.publish(`reto3.windows.open.${node.name}`, encodeMessage(message, node.name));
}

async function publishThePast(): Promise<void> {
  let inFlight: Promise<void>[] = [];
  for (let minute = 0; minute < options.minutesBefore; minute++) {
    const start = from + minute * minuteMs;
    for (const [index, node] of nodes.entries()) {
      for (let second = 0; second < minuteMs; second += secondMs)
        counted += seconds.total(index, start + second);
      inFlight.push(publish(node, node.minute(start)));
      if (inFlight.length < maxInFlight) continue;
      await Promise.all(inFlight);
      inFlight = [];
    }
  }
  await Promise.all(inFlight);
}

/** Sends each message when it is due; if this process is late, so are its nodes. */
async function publishLive(): Promise<void> {
  const begin = Math.ceil((Date.now() + pauseMs) / secondMs) * secondMs;
  const end = begin + options.seconds * secondMs;
  const inFlight: Promise<void>[] = [];
  for (let second = begin; second <= end; second += secondMs) {
    for (const afterMs of second < end ? publishAfterMs : publishAfterMs.slice(0, 1)) {
      for (const [index, node] of nodes.entries()) {
        const due = second + afterMs + node.phaseMs;
        const early = due - Date.now();
        if (early > 0) await setTimeout(early);
        lateMs.push(Date.now() - due);
        // Publishes only seconds of the run: nothing was counted before or after it.
        const message = node.live(second, afterMs + node.phaseMs);
        const said = message.seconds.filter(({ start }) => start >= begin && start < end);
        if (afterMs === 0 && second > begin) counted += seconds.total(index, second - secondMs);
        if (afterMs === 0) inFlight.push(publish(node, { ...message, seconds: said }));
        else tell(node, { ...message, seconds: said });
      }
    }
  }
  await Promise.all(inFlight);
}

await publishThePast();
published = bytesPublished = 0;
if (options.seconds > 0) await publishLive();
await connection.close();

const result: NodesResult = {
  from,
  counted,
  messages: published,
  bytes: bytesPublished,
  lateP99Ms: lateMs.length === 0 ? 0 : quantile(lateMs, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
