/**
 * The steps of the simulation, with their weights: what happens to a server, and what an operator,
 * a disk and a clock do to it. Most take moments; some go through a fault from its start to its end.
 *
 * Promises checked, whatever happens in whatever order:
 * - while the server lives, a reader sees every message once, in all three periods; a read that
 *   stays open sees what there was when it began, or fails;
 * - a restart finds at least the messages acknowledged as durable, and at most those sent; its rows
 *   add up to just these;
 * - a killed server leaves everything that it had flushed, even while an fsync hangs;
 * - a clean stop loses nothing; a stop while the disk fails ends, and tries again first;
 * - a disk that hangs is noticed, every reason is reported, and once the disk works again,
 *   everything is written within seconds;
 * - memory keeps six hours of counts while the disk fails. What it drops stays away;
 * - what retention deletes is subtracted once, whatever fails meanwhile;
 * - no crash, reopening or retention makes the store look damaged;
 * - a clock that was wrong for a moment revises no new window.
 */
import { alignDown, min, type PeriodName, periodNames, periods } from '@reto3/core';
import type { Random } from '@reto3/core/testing';
import {
  check,
  expectFailing,
  expectRecovery,
  expectReported,
  expectUnrevised,
  startAgain,
  total,
  viewOf,
  visible,
} from './checks.ts';
import { OpenRead } from './open-read.ts';
import { flushMs, type SimulatedServer, settle } from './server.ts';
import { Violation } from './violation.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The ring reaches back 71 s, so twice this is out of its reach. */
const longMs = 70_000;
/** A minute is closed within this time of its end, and the flusher waits longer for a slow disk. */
const closedWithinMs = 6_000;
/** Memory keeps six hours of counts while the disk fails. */
const hoursOfFailure = 6.1;
/** Six hours, and the minutes that the ring reaches back and ahead. */
const maxMinutesHeld = 365;
/** Retention keeps this much, more than late messages and lines are old. */
const keptMs = 10 * min.windowMs;

export type Step = (server: SimulatedServer, random: Random) => unknown;

export const steps: readonly (readonly [weight: number, step: Step])[] = [
  [3_000, (server) => server.send()],
  [500, (server) => server.stamp()],
  [500, (server) => server.addStamped()],
  [500, (server) => server.follow()],
  [2_700, pass],
  [400, stepClock],
  [1_200, troubleDisk],
  [400, (server) => check(server, 'while it runs')],
  [300, expectRecovery],
  [300, read],
  [50, sleep],
  [100, restart],
  [60, stopInTrouble],
  [700, crash],
  [80, crashInCheckpoint],
  [40, failInCheckpoint],
  [35, hangThenFail],
  [35, stepBackWhileAway],
  [25, yearAhead],
  [60, expire],
  [1, failForHours],
];

async function pass(server: SimulatedServer, random: Random): Promise<void> {
  await server.pass(random.pick([10, 50, 100, 100, 200, 300, 5_000, longMs]));
}

function stepClock(server: SimulatedServer, random: Random): void {
  const ms = random.pick([-hourMs, -200_000, -1_000, -50, 50, 1_000, 90_000, 200_000]);
  // Messages in time that retention has deleted are counted, and nobody sees them.
  if (server.clock.wallMs + ms < server.messages.deletedBefore + keptMs) return;
  server.stepClock(ms);
}

function troubleDisk(server: SimulatedServer, random: Random): void {
  const ends = ['heal', 'release'] as const;
  const faults = ['fail', 'fail', 'slow', 'slow', 'fail one sync', 'fail one opening'] as const;
  server.trouble(random.pick([...faults, ...ends]));
}

/** Goes on with an open read, or opens one. */
async function read(server: SimulatedServer, random: Random): Promise<void> {
  if (server.openRead === undefined) {
    const name = random.pick(periodNames);
    const view = viewOf(server);
    if (view === undefined) return;
    server.openRead = new OpenRead(view, periods[name], visible(server, name));
    server.note(`a read of ${name} begins`);
  }
  if (!(await server.openRead.readOn(1))) await endRead(server);
}

async function endRead(server: SimulatedServer): Promise<void> {
  await server.openRead?.close();
  server.openRead = undefined;
}

/** The machine sleeps for longer than the ring reaches back. */
async function sleep(server: SimulatedServer, random: Random): Promise<void> {
  const ms = random.pick([3 * longMs, hourMs]);
  server.note(`the machine sleeps for ${ms} ms`);
  await server.beat(ms);
}

/** A clean stop. */
export async function restart(server: SimulatedServer): Promise<void> {
  server.trouble('release');
  if (server.disk.failing) return;
  await settle();
  if (!(await stop(server))) throw new Violation('a clean stop failed');
  await startAfterStop(server);
}

async function stop(server: SimulatedServer, meanwhile?: (ms: number) => void): Promise<boolean> {
  await server.openRead?.readOn(Number.POSITIVE_INFINITY);
  await endRead(server);
  return server.stop(meanwhile);
}

async function startAfterStop(server: SimulatedServer): Promise<void> {
  server.disk.heal();
  const { sent } = server.messages;
  const found = await startAgain(server);
  if (found !== sent) throw new Violation(`found ${found} after a clean stop, want ${sent}`);
  server.messages.restart(found);
  await check(server, 'after a clean stop');
}

/** A stop while the disk fails or hangs, for moments or for good. */
async function stopInTrouble(server: SimulatedServer, random: Random): Promise<void> {
  await expectRecovery(server);
  server.send();
  const what = random.pick(['fail', 'slow'] as const);
  server.trouble(what);
  // A stop tries three times, with pauses of 200 and 400 ms, and waits 10 s for a disk that hangs.
  const endsAfterMs = random.pick(what === 'fail' ? [100, 500] : [100, 5_000]);
  const recovers = random.chance(0.5);
  const wroteAll = await stop(server, (ms) => {
    if (recovers && ms === endsAfterMs) server.endTrouble();
  });
  if (recovers && !wroteAll) throw new Violation(`a stop gave up within ${endsAfterMs} ms`);
  if (!recovers && wroteAll) throw new Violation('a stop succeeded on a disk that does not work');
  await (wroteAll ? startAfterStop(server) : crash(server, random));
}

async function crash(server: SimulatedServer, random: Random): Promise<void> {
  const { coordinator, disk, hasFailed, messages } = server;
  const power = random.chance(0.5);
  const { messagesInAll, messagesUnsaved, deletedBefore } = coordinator.state();
  const written = messagesInAll + messages.deleted('min', deletedBefore) - messagesUnsaved;
  const { acknowledged, flushedByNow, sent } = messages;
  if (server.ack === 'memory' && !hasFailed && written < flushedByNow)
    throw new Violation(`only ${written} are flushed, want at least ${flushedByNow}`);
  if (power) disk.cutPower();
  else disk.kill();
  disk.heal();
  await endRead(server);
  server.note(power ? 'the power fails' : 'the process is killed');
  // What a killed process wrote survives; a power cut loses unsynced writes.
  const atLeast = power || hasFailed ? acknowledged : Math.max(acknowledged, written);
  const found = await startAgain(server);
  if (found < atLeast)
    throw new Violation(`found ${found} after a crash, want at least ${atLeast}`);
  if (found > sent) throw new Violation(`found ${found} after a crash, only ${sent} sent`);
  messages.restart(found);
  await check(server, 'after a crash');
}

/** The database hangs, and with it the checkpoint that closes the current minute. */
async function hangInCheckpoint(server: SimulatedServer): Promise<void> {
  await server.pass(min.windowMs - (server.clock.wallMs % min.windowMs));
  server.disk.databaseIsSlow = true;
  server.note('the database hangs');
  for (let ms = 0; ms < closedWithinMs; ms += secondMs) {
    server.send();
    await server.pass(secondMs);
  }
}

/** A crash between the start of a new journal and the end of the batch that names it. */
async function crashInCheckpoint(server: SimulatedServer, random: Random): Promise<void> {
  await hangInCheckpoint(server);
  await crash(server, random);
}

/**
 * The batch of a checkpoint fails, or takes so long that the server does not believe in it any
 * more. It may be on the disk all the same.
 */
async function failInCheckpoint(server: SimulatedServer, random: Random): Promise<void> {
  await expectRecovery(server);
  server.send();
  await hangInCheckpoint(server);
  const what = random.pick(['fail', 'fail one sync', 'return late'] as const);
  server.note(`and its batch: ${what}`);
  if (what === 'return late') {
    await server.pass(12 * secondMs);
    await expectFailing(server);
  } else server.trouble(what);
  server.disk.databaseIsSlow = false;
  server.disk.release();
  await settle();
  await expectRecovery(server);
  await check(server, 'after a checkpoint that failed');
  await restart(server);
}

/** An fsync hangs until minutes are closed and out of the ring's reach, and then fails. */
async function hangThenFail(server: SimulatedServer): Promise<void> {
  server.send();
  server.trouble('slow');
  for (let time = 0; time < 3; time++) await server.pass(longMs);
  await expectFailing(server);
  server.trouble('fail one sync');
  server.trouble('release');
  await settle();
  await expectRecovery(server);
  await check(server, 'after an fsync that failed late');
}

/** The clock steps back into a stored minute while the store cannot be read. */
async function stepBackWhileAway(server: SimulatedServer): Promise<void> {
  server.send();
  for (let time = 0; time < 3; time++) await server.pass(longMs);
  server.trouble('release');
  server.trouble('fail');
  for (let second = 0; second < 3; second++) await server.pass(secondMs);
  expectReported(server, 'EROFS');
  server.stepClock(-3 * longMs);
  server.send();
  await server.pass(secondMs);
  await expectRecovery(server);
  await check(server, 'after the store came back');
}

/** The clock is a year ahead for a second. The time that comes next is new to the server. */
async function yearAhead(server: SimulatedServer, random: Random): Promise<void> {
  const yearMs = 365 * dayMs;
  await expectRecovery(server);
  server.stepClock(yearMs);
  server.send();
  await server.pass(secondMs);
  server.stepClock(2 * dayMs - yearMs);
  await server.pass(secondMs);
  if (random.chance(0.3)) await crash(server, random);
  const from = server.clock.wallMs + flushMs;
  for (let beat = 0; beat < 10; beat++) {
    await server.pass(flushMs);
    server.send();
  }
  await server.pass(flushMs);
  await expectUnrevised(server, from);
  await check(server, 'after the clock was a year ahead');
}

/** Retention runs on two days, and something fails meanwhile. */
async function expire(server: SimulatedServer, random: Random): Promise<void> {
  for (let day = 0; day < 2; day++) {
    server.note('a day passes');
    await server.beat(dayMs);
    await expectRecovery(server);
    // The journal no longer has a minute that is to be deleted: the next one is closed, too.
    await server.pass(longMs);
    await expectRecovery(server);
    // No period is deleted further than a shorter one.
    let limitMs = server.clock.wallMs - keptMs;
    for (const name of periodNames) {
      await deleteBefore(server, random, name, alignDown(limitMs, periods[name].blockMs));
      limitMs = server.coordinator.state().deletedBefore[name];
    }
  }
}

async function deleteBefore(
  server: SimulatedServer,
  random: Random,
  period: PeriodName,
  before: number,
): Promise<void> {
  const { coordinator, messages } = server;
  const { deletedBefore } = coordinator.state();
  if (before <= deletedBefore[period]) return;
  messages.delete({ period, before, messages: await total(server, period, before) }, deletedBefore);
  server.note(`retention deletes ${period} before ${new Date(before).toISOString()}`);
  const faults = ['heal', 'slow', 'fail', 'fail one sync'] as const;
  server.trouble(random.chance(0.5) ? 'fail one deletion' : random.pick(faults));
  const deleting = coordinator.deleteBefore(period, before).catch(() => undefined);
  for (let turns = random.between(0, 5); turns > 0; turns--) await settle();
  if (random.chance(0.3)) return crash(server, random);
  await expectRecovery(server);
  await deleting;
  await check(server, 'after retention');
}

/** The disk fails for longer than memory keeps counts: the server drops some, and counts them. */
async function failForHours(server: SimulatedServer): Promise<void> {
  await expectRecovery(server);
  // The journal has these, and they are dropped later.
  server.send();
  await server.pass(2 * flushMs);
  server.trouble('fail');
  const lost = (): number => server.coordinator.state().messagesLost;
  const lostBefore = lost();
  for (let minute = 0; minute < hoursOfFailure * 60; minute++) {
    if (minute % 30 === 0) server.send();
    await server.beat(min.windowMs);
  }
  const minutes = [...server.coordinator.minutesInMemory()].length;
  if (minutes > maxMinutesHeld) throw new Violation(`${minutes} minutes are in memory`);
  expectReported(server, 'EROFS');
  await expectRecovery(server);
  server.note(`${lost() - lostBefore} messages were given up`);
  server.messages.giveUp(lost() - lostBefore);
  await check(server, 'after hours of failure');
  await restart(server);
}
