/** A server's connection to a NATS server that forbids or refuses some of what it does. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Link } from './link.ts';
import { Backoff } from './problems.ts';

/** As much of a NATS server as a connection needs. */
class SmallNats {
  /** The lines that the client sent. */
  readonly lines: string[] = [];
  forbids: string | undefined;
  readonly #server: Server;
  #socket: Socket | undefined;

  constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      this.send('INFO {"version":"2.9.10","headers":true,"max_payload":1000,"proto":1}');
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const line of data.toString().split('\r\n')) this.#take(line);
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(...lines: readonly string[]): void {
    for (const line of lines) this.#socket?.write(`${line}\r\n`);
  }

  /** Breaks the connection; the client makes a new one. */
  cut(): void {
    this.#socket?.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(line: string): void {
    this.lines.push(line);
    const [verb, subject] = line.split(' ');
    if (verb === 'PING') this.send('PONG');
    if (verb === 'SUB' && subject === this.forbids)
      this.send(`-ERR 'Permissions Violation for Subscription to "${subject}"'`);
  }
}

const subject = 'reto3.windows';
let nats: SmallNats;
let link: Link;
let failures: string[];

beforeEach(async () => {
  nats = new SmallNats();
  failures = [];
  const events = {
    failed: (what: string) => void failures.push(what),
    ...{ connected: () => undefined, reconnected: () => undefined },
  };
  const options = { servers: await nats.listen(), reconnectTimeWait: 10, maxReconnectAttempts: -1 };
  link = new Link(options, [subject], events);
  await link.open(new Backoff(100, 100), new AbortController().signal);
});

afterEach(async () => {
  await link.close();
  await nats.close();
});

/** The sid of a subscription. */
async function subscribed(to: string): Promise<string> {
  const line = () => nats.lines.findLast((each) => each.startsWith(`SUB ${to} `));
  await vi.waitUntil(() => line() !== undefined);
  return line()?.split(' ').at(-1) ?? '';
}

it('goes on without a subscription that NATS forbids, until it may', async () => {
  const open = `${subject}.open.*`;
  nats.forbids = open;
  const told: string[] = [];
  link.onTold((_, node) => told.push(node));
  await vi.waitUntil(() => failures.length > 0);
  expect(failures).toEqual([`NATS does not let this server subscribe to ${open}`]);
  // Requests of mergers still reach it.
  link.onRequest('a', async () => Buffer.from('here'));
  nats.send(`MSG ${subject}.read.a ${await subscribed(`${subject}.read.a`)} reply 2`, '{}');
  await vi.waitUntil(() => nats.lines.includes('PUB reply 4'));

  nats.forbids = undefined;
  nats.lines.length = 0;
  nats.cut();
  nats.send(`MSG ${subject}.open.b ${await subscribed(open)} 2`, '{}');
  await vi.waitUntil(() => told.length > 0);
  expect(told).toEqual(['b']);
});

it('survives a reply that is larger than NATS takes', async () => {
  let bytes = 1_001;
  link.onRequest('a', async () => Buffer.alloc(bytes));
  const request = `MSG ${subject}.read.a ${await subscribed(`${subject}.read.a`)} reply 2`;
  nats.send(request, '{}');
  await new Promise((resolve) => setTimeout(resolve, 50));
  bytes = 4;
  nats.send(request, '{}');
  await vi.waitUntil(() => nats.lines.includes('PUB reply 4'));
  expect(nats.lines.filter((line) => line.startsWith('PUB'))).toEqual(['PUB reply 4']);
});
