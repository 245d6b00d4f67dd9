/** Checks of a machine: whatever could keep a server from running, or from running well. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Clock, messageOf } from '@reto3/core';
import { codeOf, isDiskFull } from '../store/database-failure.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The oldest supported Node.js, as in `engines` of package.json. */
const leastNode = [20, 19] as const;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = leastNode;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor))
    return ok('node', `Node.js ${version}`);
  return fail(
    'node',
    `got Node.js ${version}, want ${leastNode.join('.')} or newer`,
    'install a newer Node.js',
  );
}

export function checkGlibc(report: unknown): Finding {
  const version = glibcIn(report);
  if (version === undefined)
    return warn(
      'glibc',
      'this system has none',
      'run on Linux with glibc, such as Debian, or serve with --http node',
    );
  return ok('glibc', `glibc ${version}`);
}

function glibcIn(report: unknown): string | undefined {
  if (typeof report !== 'object' || report === null || !('header' in report)) return undefined;
  const { header } = report;
  return typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header
    ? String(header.glibcVersionRuntime)
    : undefined;
}

/** @param loadUws returns the version, or throws; undefined if the server does not need it */
export function checkUws(loadUws: (() => string) | undefined): Finding {
  if (loadUws === undefined) return ok('uws', 'not needed with --http node');
  try {
    return ok('uws', `uWebSockets.js ${loadUws()}`);
  } catch (error) {
    return fail(
      'uws',
      messageOf(error),
      'serve with --http node, or see RETO3_UWS_MISSING in docs/errors.md',
    );
  }
}

/** A day of counts takes about 5 MB at 5,000 messages/s, and LevelDB needs space to compact. */
const littleSpaceBytes = 1 << 30;
const tooLittleSpaceBytes = 64 << 20;

export async function checkSpace(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await existing(folder));
  const bytes = bavail * bsize;
  const says = `${Math.floor(bytes / (1 << 20))} MB free for ${folder}`;
  if (bytes < tooLittleSpaceBytes) return fail('space', says, 'free space, or choose another disk');
  if (bytes < littleSpaceBytes) return warn('space', says, 'free space before it runs out');
  return ok('space', says);
}

/**
 * Whether other users can enter the folder. A server creates it for its user alone, but an early
 * version, or a person, may not have. No finding if there is no folder.
 */
export async function* checkPrivacy(folder: string): AsyncGenerator<Finding> {
  let mode: number;
  try {
    mode = (await stat(folder)).mode & 0o777;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT')
      yield fail('privacy', messageOf(error), 'let this user enter the folders above it');
    return;
  }
  if ((mode & 0o007) === 0) {
    yield ok('privacy', `other users cannot enter ${folder}`);
    return;
  }
  const says = `every user may read ${folder} (mode 0${mode.toString(8)}), including bodies that --archive keeps`;
  yield warn('privacy', says, `chmod -R go-rwx ${folder}`);
}

const fsyncs = 15;
/** Every answer of --ack durable waits for one or two. */
const slowFsyncMs = 20;

export async function checkFsync(folder: string): Promise<Finding> {
  try {
    const times = await fsyncTimes(await existing(folder));
    const median = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
    const says = `fsync takes ${median.toFixed(2)} ms (median of ${fsyncs})`;
    if (median <= slowFsyncMs) return ok('fsync', says);
    return warn('fsync', says, 'put the data folder on a faster disk, above all for --ack durable');
  } catch (error) {
    const cure = isDiskFull(error) ? 'free space' : 'make the folder writable';
    return fail('fsync', `cannot write: ${messageOf(error)}`, cure);
  }
}

async function fsyncTimes(folder: string): Promise<number[]> {
  const scratch = await mkdtemp(join(folder, '.reto3-doctor-'));
  try {
    const file = openSync(join(scratch, 'fsync'), 'w');
    const block = Buffer.alloc(4_096, 1);
    const times: number[] = [];
    for (let time = 0; time < fsyncs; time++) {
      const before = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      times.push(performance.now() - before);
    }
    closeSync(file);
    return times;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The folder, or its nearest parent that exists. */
async function existing(folder: string): Promise<string> {
  const path = resolve(folder);
  const exists = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return exists || path === dirname(path) ? path : existing(dirname(path));
}

/** @param adminPort where a reto3 that has the port answers */
export async function checkPort(name: string, port: number, adminPort: number): Promise<Finding> {
  const error = await listenError(port);
  if (error === undefined) return ok(name, `port ${port} is free`);
  // A port below 1024 may be refused before it is found to be taken.
  const isTaken = error.code === 'EADDRINUSE';
  const holder = isTaken || error.code === 'EACCES' ? await reto3At(adminPort) : undefined;
  if (holder !== undefined) return ok(name, `port ${port} is taken, and ${holder} runs here`);
  if (!isTaken) return fail(name, error.message, 'choose another port');
  return fail(
    name,
    `port ${port} is taken by another program`,
    'stop that program, or choose another port',
  );
}

/** Why no server can listen on the port; undefined if one can. */
function listenError(port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', done);
    server.listen(port, () => server.close(() => done(undefined)));
  });
}

const answerWithinMs = 1_000;

/** The name of the reto3 whose query API has the port; undefined for any other program, or none. */
async function reto3At(port: number): Promise<string | undefined> {
  const signal = AbortSignal.timeout(answerWithinMs);
  // Not imported, as in the client's api-client.ts.
  const { get } = process.getBuiltinModule('node:http');
  const request = get({ host: '127.0.0.1', port, path: '/v1/info', signal });
  // After the headers, an error also ends the body, and reading that throws.
  request.on('error', () => undefined);
  try {
    const [response] = await once(request, 'response');
    const answer = await text(response);
    if (answer.includes('"RETO3_UNAUTHORIZED"')) return 'reto3';
    const version = /"version":"([^"]*)"/.exec(answer)?.[1];
    return answer.includes('"uWebSockets"') ? `reto3 ${version}` : undefined;
  } catch {
    return undefined;
  }
}

const observedMs = 200;
/** The rounding of both clocks and NTP's slewing explain at most this in that time. */
const mostDriftMs = 5;

export async function checkClock(clock: Clock): Promise<Finding> {
  const before = clock.read();
  await setTimeout(observedMs);
  const after = clock.read();
  const drift = after.wallMs - before.wallMs - (after.monotonicMs - before.monotonicMs);
  if (Math.abs(drift) > mostDriftMs) {
    const says = `the wall clock moved by ${drift.toFixed(1)} ms against the monotonic one`;
    return fail('clock', says, 'find out what sets the clock, and let NTP slew it instead');
  }
  const synchronised = await isSynchronised();
  if (synchronised === true) return ok('clock', 'steady, synchronised by NTP');
  const says = synchronised === false ? 'steady, not synchronised' : 'steady, NTP unknown';
  return warn('clock', says, 'let NTP (chrony, systemd-timesyncd) keep the clock of the machine');
}

/** Undefined if systemd cannot tell. */
async function isSynchronised(): Promise<boolean | undefined> {
  try {
    const { stdout } = await promisify(execFile)(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: answerWithinMs },
    );
    return stdout.trim() === 'yes';
  } catch {
    return undefined;
  }
}
