/**
 * A data folder on an 8 MB disk. Under a running server, another process fills it to the last byte,
 * and later the disk grows. Memory mode must continue to count; durable mode must refuse requests,
 * and count none that it refused.
 */
import { setTimeout } from 'node:timers/promises';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';
import { all, program, root } from '../support/needs.ts';
import { timeUntilReady } from '../support/readiness.ts';
import { Tmpfs } from '../support/tmpfs.ts';

const noticedWithinMs = 2_000;
const backWithinMs = 5_000;
const smallMegabytes = 8;
const grownMegabytes = 32;
/** How long the disk stays full, by round: the last round outlasts a minute and the ring. */
const fullForMs = [2_000, 10_000, 80_000];
const refillEveryMs = 100;
/** The longest time that a counted request waits for the disk. */
const maxWaitingMs = 30_000;

interface Tally {
  answered: number;
  lost: number;
  refused: number;
  noticedMs: number;
  backMs: number;
}

async function fullDisk(ack: 'memory' | 'durable', fullMs: number): Promise<Tally> {
  const from = thisMinute();
  const disk = await Tmpfs.mount(smallMegabytes);
  const flags = ['--ack', ack];
  const dataDir = `${disk.folder}/data`;
  const server = await Server.start({ dataDir, flags });
  const { port, adminUrl } = server;
  const options = { port, connections: 8, depth: 1, mayRefuse: ack === 'durable' };
  const load = Load.start(options);
  await setTimeout(1_000);

  await disk.fill();
  const noticedMs = await timeUntilReady(adminUrl, 503);
  // Requests that durable mode counted before the disk filled wait until the disk is back, so only
  // other connections can be refused.
  const laterLoad = Load.start(options);
  // Also fill whatever the server frees when it reopens its database.
  for (const until = performance.now() + fullMs; performance.now() < until; ) {
    await disk.fill();
    await setTimeout(refillEveryMs);
  }
  disk.grow(grownMegabytes);
  const backMs = await timeUntilReady(adminUrl, 200);
  await setTimeout(1_000);
  await Promise.all([load.stop(), laterLoad.stop()]);
  const answered = load.answered + laterLoad.answered;
  const refused = load.refused + laterLoad.refused;
  const sent = load.sent + laterLoad.sent;
  // The server closes connections that wait too long, each with one unanswered request.
  const unanswered = sent - answered - refused;
  const broken = load.broken + laterLoad.broken;
  const waitEnds = ack === 'durable' && fullMs > maxWaitingMs;
  if (unanswered !== broken || broken > 0 !== waitEnds)
    throw new Error(`got ${answered} + ${refused} of ${sent} answers, ${broken} connections cut`);
  const { code } = await server.stop();
  if (code !== 0) throw new Error(`got exit code ${code}, want 0: ${server.stderr}`);

  const total = await totalAfterRestart({ dataDir, flags }, from);
  // Answered requests are counted, refused ones are not, and unanswered ones may be.
  if (total > answered + unanswered)
    throw new Error(`counted ${total} of ${answered} answered 200, ${unanswered} unanswered`);
  if (ack === 'durable' && refused === 0) throw new Error('got no 503 while the disk was full');
  return { answered, lost: Math.max(0, answered - total), refused, noticedMs, backMs };
}

export const diskFull: Fault = {
  name: 'disk-full',
  promise: `a full disk loses nothing; /readyz 503 within ${noticedWithinMs} ms, back within ${backWithinMs} ms`,
  fault: `${smallMegabytes} MB tmpfs filled for ${fullForMs.map((ms) => ms / 1_000).join(', ')} s, then grown, no restart, memory and durable`,
  rounds: fullForMs.length,
  missing: all(root, program('mount')),
  async run(rounds) {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++) {
      const fullMs = fullForMs[round % fullForMs.length] ?? 0;
      tallies.push(
        ...(await Promise.all([fullDisk('memory', fullMs), fullDisk('durable', fullMs)])),
      );
    }
    const sum = (field: keyof Tally): number => tallies.reduce((all, each) => all + each[field], 0);
    const most = (field: keyof Tally): number => Math.max(...tallies.map((each) => each[field]));
    return {
      runs: `${rounds} + ${rounds}`,
      figure:
        `answered and lost: ${sum('lost')} of ${sum('answered')}; refused ${sum('refused')}, none of them counted; ` +
        `503 after at most ${most('noticedMs').toFixed(0)} ms, back after at most ${most('backMs').toFixed(0)} ms`,
      pass:
        sum('lost') === 0 && most('noticedMs') <= noticedWithinMs && most('backMs') <= backWithinMs,
    };
  },
};
