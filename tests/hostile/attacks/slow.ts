/**
 * Many slow clients, one kind after another on one server. Meanwhile the server must serve an
 * honest client and keep its memory bounded; afterwards it must release all resources.
 */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { program } from '../../faults/support/needs.ts';
import { markdownTable } from '../../support/markdown.ts';
import { memoryOf } from '../../support/memory.ts';
import { launch } from '../../support/processes.ts';
import { within } from '../../support/wait.ts';
import type { Attack } from '../attack.ts';
import { get, post } from '../corpus/case.ts';
import { type Reto3Target, reto3Kinds } from '../support/target.ts';

const slowestP99Ms = 50;
/** 10,000 connections take 4 MiB in uWebSockets.js and 48 MiB in Node's server. */
const maxGrownMiB = { uws: 20, node: 100 };
const backWithinMs = 20_000;
/** Longer than the time limit of a connection. */
const slowSeconds = 15;

interface Scenario {
  readonly name: string;
  readonly missing?: () => string | undefined;
  readonly descriptors?: number;
  /** Runs the attack. Returns the number of messages that must be counted, if known. */
  run(target: Reto3Target): Promise<string>;
}

/** slowhttptest with 1,000 connections. */
function slowHttpTest(name: string, ...flags: readonly string[]): Scenario {
  return {
    name: `slowhttptest, ${name}`,
    missing: program('slowhttptest'),
    async run({ port }) {
      const running = launch('slowhttptest', [
        ...['-c', '1000', '-r', '500', '-l', String(slowSeconds), '-i', '2', '-p', '3'],
        ...['-u', `http://127.0.0.1:${port}/`, ...flags],
      ]);
      await within('slowhttptest to end', (slowSeconds + 60) * 1_000, running.exited);
      const said = stripVTControlCharacters(running.stdout);
      const [, second, status] =
        /Test ended on (\d+)th second\s+Exit status: (.+)/.exec(said) ?? [];
      if (second === undefined) throw new Error('got no last words from slowhttptest');
      return `1,000 connections; after ${second} s: ${status?.trim().toLowerCase()}`;
    },
  };
}

/**
 * Opens connections that send these bytes and then nothing. Returns how many were open at the end.
 */
async function hold(port: number, count: number, bytes: string, forMs: number): Promise<number> {
  const sockets: Socket[] = [];
  let connected = 0;
  for (let index = 0; index < count; index++) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      connected++;
      if (bytes !== '') socket.write(bytes);
    });
    socket.resume();
    sockets.push(socket);
    // The accept queue is short.
    if (index % 100 === 99) await setTimeout(10);
  }
  await setTimeout(forMs);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  if (connected === 0) throw new Error('got no connection at all');
  return open;
}

/** Sends as much as the server accepts until it closes. Returns the number of bytes. */
function flood(port: number, head: string, piece: Buffer, maxBytes: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let sent = 0;
    const send = (): void => {
      while (sent < maxBytes && !socket.destroyed) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
      if (sent >= maxBytes) socket.end();
    };
    socket.on('error', () => undefined);
    socket.on('drain', send);
    socket.resume();
    socket.once('close', () => resolve(socket.bytesWritten));
    socket.once('connect', () => {
      socket.write(head);
      send();
    });
  });
}

const megabyte = 1_000_000;

async function floodAll(port: number, head: string, piece: Buffer): Promise<string> {
  const bodies = Array.from({ length: 100 }, () => flood(port, head, piece, 100 * megabyte));
  const sent = await within('the server to cut off every body', 60_000, Promise.all(bodies));
  const most = Math.max(...sent);
  if (most >= 100 * megabyte) throw new Error('got a body of 100 MB to its end, want it cut off');
  return `all cut off; at most ${(most / megabyte).toFixed(1)} MB left one client`;
}

const scenarios: readonly Scenario[] = [
  slowHttpTest('slow heads', '-H'),
  slowHttpTest('slow bodies', '-B', '-s', '8192'),
  slowHttpTest('slow reading', '-X', '-w', '10', '-y', '20', '-n', '5', '-z', '5', '-k', '3'),
  {
    name: '10,000 idle connections',
    async run({ port }) {
      const open = await hold(port, 10_000, '', slowSeconds * 1_000);
      return `${open} open after ${slowSeconds} s`;
    },
  },
  {
    name: '10,000 connections, idle after one request',
    async run({ port }) {
      const open = await hold(port, 10_000, get, slowSeconds * 1_000);
      return `${open} open after ${slowSeconds} s`;
    },
  },
  {
    name: '3,000 connections, 1,024 file descriptors',
    descriptors: 1_024,
    async run({ port, adminUrl }) {
      let unready = 0;
      const watch = setInterval(() => {
        fetch(`${adminUrl}/readyz`).then(
          (response) => {
            if (response.status !== 200) unready++;
          },
          () => unready++,
        );
      }, 100);
      await hold(port, 3_000, get.slice(0, 20), slowSeconds * 1_000);
      clearInterval(watch);
      return `query API not ready in ${unready} of ${slowSeconds * 10} tries`;
    },
  },
  {
    name: '100 bodies of 100 MB',
    run: ({ port }) =>
      floodAll(port, post([`Content-Length: ${100 * megabyte}`]), Buffer.alloc(65_536, 'a')),
  },
  {
    name: '100 endless chunked bodies',
    run: ({ port }) =>
      floodAll(
        port,
        post(['Transfer-Encoding: chunked']),
        Buffer.from(`ffff\r\n${'a'.repeat(65_535)}\r\n`),
      ),
  },
  {
    name: '5,000 clients that vanish mid-request',
    async run({ port }) {
      for (let batch = 0; batch < 50; batch++) {
        await Promise.all(
          Array.from({ length: 100 }, async (_, index) => {
            const socket = connect({ port, host: '127.0.0.1' });
            socket.on('error', () => undefined);
            await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
            socket.write(get.slice(0, 1 + (index % (get.length - 1))));
            await setTimeout(5);
            socket.resetAndDestroy();
          }),
        );
      }
      return 'reset in the middle of a head';
    },
  },
  {
    name: '2,000 half-closed sockets',
    async run({ port }) {
      let closed = 0;
      const sockets = Array.from({ length: 2_000 }, (_, index) => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        socket.on('error', () => undefined);
        socket.resume();
        socket.once('end', () => closed++);
        socket.once('connect', () => socket.end(index % 2 === 0 ? get : get.slice(0, 20)));
        return socket;
      });
      await setTimeout(3_000);
      for (const socket of sockets) socket.destroy();
      return `${closed} closed by the server within 3 s`;
    },
  },
];

interface Honest {
  readonly answered: number;
  readonly failed: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

const honestClient = fileURLToPath(new URL('../support/honest.mjs', import.meta.url));

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/**
 * Makes memory grow that grows only once: code, the first blocks of the heap, LevelDB's buffers.
 */
async function warmUp(target: Reto3Target): Promise<void> {
  await hold(target.port, 2_000, get, 1_000);
  await setTimeout(3_000);
}

async function attack(target: Reto3Target, scenario: Scenario) {
  const before = { fds: descriptorsOf(target.pid), mib: memoryOf(target.pid).nowMiB };
  const honest = launch(process.execPath, [honestClient, String(target.port)]);
  await setTimeout(1_000);
  let maxMiB = 0;
  const watch = setInterval(() => {
    if (target.alive()) maxMiB = Math.max(maxMiB, memoryOf(target.pid).nowMiB);
  }, 100);
  const what = await scenario.run(target).finally(() => clearInterval(watch));
  honest.signal('SIGTERM');
  await honest.exited;
  const seen: Honest = JSON.parse(honest.stdout);
  const ended = performance.now();
  // The test's own queries keep a connection or two open.
  const isBack = (): boolean => descriptorsOf(target.pid) <= before.fds + 5;
  while (!isBack() && performance.now() - ended < backWithinMs) await setTimeout(100);
  const backMs = performance.now() - ended;
  return { what, seen, grownMiB: maxMiB - before.mib, back: isBack() ? backMs : undefined };
}

export const slow: Attack = {
  name: 'slow',
  async run() {
    const rows: string[][] = [];
    const broken: string[] = [];
    for (const kind of reto3Kinds) {
      const reason = kind.missing();
      if (reason !== undefined) {
        rows.push([kind.name, `not run: ${reason}`, '', '', '', '', '', '']);
        continue;
      }
      const shared = await kind.start();
      await warmUp(shared);
      for (const scenario of scenarios) {
        const missing = scenario.missing?.();
        if (missing !== undefined) {
          rows.push([kind.name, scenario.name, `not run: ${missing}`, '', '', '', '', '']);
          continue;
        }
        const { descriptors } = scenario;
        const target = descriptors === undefined ? shared : await kind.start({ descriptors });
        const row = await attack(target, scenario).catch((error: Error) => error);
        if (row instanceof Error) {
          rows.push([target.name, scenario.name, row.message, '', '', '', '', 'no']);
          broken.push(`${target.name}, ${scenario.name}: ${row.message}`);
          continue;
        }
        const { what, seen, grownMiB, back } = row;
        const isKept =
          seen.failed === 0 &&
          seen.answered > 0 &&
          seen.p99Ms < slowestP99Ms &&
          grownMiB < maxGrownMiB[target.http] &&
          back !== undefined &&
          target.alive();
        rows.push([
          target.name,
          scenario.name,
          what,
          `${seen.failed} of ${seen.answered + seen.failed}`,
          seen.p99Ms.toFixed(1),
          grownMiB.toFixed(1),
          back === undefined ? `not within ${backWithinMs / 1_000}` : (back / 1_000).toFixed(1),
          isKept ? 'yes' : 'no',
        ]);
        process.stdout.write(`slow: ${rows.at(-1)?.join(' | ')}\n`);
        if (!isKept) broken.push(`${target.name}, ${scenario.name}`);
      }
    }
    const columns = ['server', 'attack', 'outcome', 'failed honest requests'];
    const figures = ['their p99, ms', 'memory grown, MiB', 'back to before after, s', 'kept'];
    return { text: markdownTable([...columns, ...figures], rows), broken };
  },
};
