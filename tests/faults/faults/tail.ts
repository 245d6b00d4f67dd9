/**
 * `kill -9` at random moments while a server follows a log. The log is rotated before and after
 * each kill, by rename or by copy and truncation, and old files are compressed, while new lines
 * keep coming.
 *
 * Lost means in the log but in no window; double means in a window once too often. The process that
 * writes the log also copies and truncates it, without a line between, so the rotation itself loses
 * nothing.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Random } from '@reto3/core/testing';
import { askInfo, askStats } from '../../support/api.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { nginxLine } from '../../support/log-lines.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import { waitUntil } from '../../support/wait.ts';
import type { Fault } from '../fault.ts';
import { auditedTotal } from '../support/audit.ts';

const compress = promisify(execFile);

const linesPerBeat = 50;
const beatMs = 5;
/** Long enough for several flushes and two fsyncs. */
const latestKillMs = 1_500;
const longestAwayMs = 300;
/** The number of rotated files to keep; the oldest is overwritten. */
const kept = 8;

/** Writes lines with the current time, and remembers how many are in each window. */
class LogWriter {
  readonly path: string;
  readonly counts = new Map<number, number>();
  lines = 0;
  readonly #random: Random;
  readonly #timer: NodeJS.Timeout;

  constructor(path: string, random: Random) {
    this.path = path;
    this.#random = random;
    this.#timer = setInterval(() => this.#write(), beatMs);
  }

  async rotate(): Promise<void> {
    const at = (number: number, suffix = ''): string => `${this.path}.${number}${suffix}`;
    for (let number = kept - 1; number > 0; number--)
      for (const suffix of ['', '.gz'])
        if (existsSync(at(number, suffix))) renameSync(at(number, suffix), at(number + 1, suffix));
    if (this.#random.chance(0.5)) renameSync(this.path, at(1));
    else {
      copyFileSync(this.path, at(1));
      truncateSync(this.path);
    }
    if (this.#random.chance(0.8)) this.#write();
    const old = at(this.#random.between(1, 2));
    if (this.#random.chance(0.5) && existsSync(old)) await compress('gzip', [old]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #write(): void {
    const count = this.#random.between(1, 2 * linesPerBeat);
    let text = '';
    for (let line = 0; line < count; line++) {
      const now = Date.now();
      const window = now - (now % 10);
      this.counts.set(window, (this.counts.get(window) ?? 0) + 1);
      this.lines++;
      text += nginxLine(now, { path: `/${this.lines}`, durationMs: 0 });
    }
    appendFileSync(this.path, text);
  }
}

export const tailKill: Fault = {
  name: 'tail-kill',
  promise: 'each line of a followed log is counted once',
  fault:
    '`kill -9` at random moments with `--tail`; before and after each, the log is renamed or copied and truncated, old ones compressed',
  rounds: 50,
  async run(rounds) {
    const random = new Random(11);
    const from = thisMinute();
    const dataDir = await temporaryFolder();
    const log = new LogWriter(join(await temporaryFolder(), 'access.log'), random);
    const flags = ['--tail', `${log.path}=nginx`];
    let server = await Server.start({ dataDir, flags });
    // Lines that are rotated away before the first record are not counted.
    await waitUntil('the log is known', async () => {
      return (await askInfo(server.adminUrl)).messagesInAll > 0;
    });
    let rotations = 0;
    const rotate = async (): Promise<void> => {
      for (let left = random.between(0, 2); left > 0; left--) {
        await setTimeout(random.next() * longestAwayMs);
        await log.rotate();
        rotations++;
      }
    };
    try {
      for (let round = 0; round < rounds; round++) {
        await rotate();
        await setTimeout(random.next() * latestKillMs);
        await server.kill();
        await rotate();
        server = await Server.start({ dataDir, flags });
      }
    } finally {
      log.stop();
    }
    await waitUntil('all lines are counted', async () => {
      return (await askInfo(server.adminUrl)).messagesInAll >= log.lines;
    }).catch(() => undefined);
    const total = await auditedTotal(server.adminUrl, from);
    const range = `from=${from}&to=${Date.now()}&open=true`;
    const { starts, counts } = await askStats(server.adminUrl, 'ms10', range);
    let [lost, double] = [0, 0];
    for (const [index, start] of starts.entries()) {
      const more = (counts[index] ?? 0) - (log.counts.get(start) ?? 0);
      log.counts.delete(start);
      if (more > 0) double += more;
      else lost -= more;
    }
    for (const count of log.counts.values()) lost += count;
    await server.stop();
    return {
      runs: rounds,
      figure: `lost: ${lost}, double: ${double} of ${log.lines} lines, ${rotations} rotations`,
      pass: lost === 0 && double === 0 && total === log.lines,
    };
  },
};
