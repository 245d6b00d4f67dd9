/**
 * A log that is written, rotated, compressed and followed in random order, by readers that are
 * killed: they come back with the counts and positions of their last record. Rotations go on step by
 * step, also while the reader looks. Each line is counted once in the end. RETO3_SEEDS says how many
 * runs there are, RETO3_SEED runs one again.
 */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Random } from '@reto3/core/testing';
import type { SourcePosition } from '@reto3/engine';
import { it } from 'vitest';
import { plannedBy } from '../plan.ts';
import type { FollowTarget } from './followed-file.ts';
import { FollowedPath, type PathEvents } from './followed-path.ts';
import { edgeBytes } from './rotated-files.ts';

const { RETO3_SEED: onlySeed, RETO3_SEEDS: allSeeds = 200 } = process.env;
const seeds =
  onlySeed === undefined
    ? Array.from({ length: Number(allSeeds) }, (_, index) => index + 1)
    : [Number(onlySeed)];
const steps = 60;
/** More than rotations in so many steps: none that is still to be read is deleted. */
const kept = 60;
const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);

class World {
  readonly #random: Random;
  readonly #path: string;
  readonly #history: string[] = [];
  /** What is under way, one step at a time. */
  #work: Iterator<void> | undefined;
  #lines = 0;
  /** Written between copy and truncation: in no file any more, so counted or not. */
  readonly #excused = new Set<number>();
  /** Where a program that is slow to notice a rotation still writes. */
  #slowPath: string | undefined;
  #counts = new Map<number, number>();
  #recorded = { counts: this.#counts, positions: new Map<string, SourcePosition>() };
  #reader: FollowedPath;
  #isReading = false;
  #monotonicMs = 0;

  constructor(path: string, random: Random) {
    this.#path = path;
    this.#random = random;
    this.#reader = this.#follow();
  }

  async run(): Promise<void> {
    if (this.#random.chance(0.5)) this.#write(this.#path);
    // Following begins with the first record.
    while (await this.#poll());
    this.#record();
    this.#isReading = true;
    for (let step = 0; step < steps; step++) await this.#step();
    this.#isReading = false;
    while (this.#work !== undefined) this.#goOn();
    while (await this.#poll());
    this.#monotonicMs += 2_000;
    while (await this.#poll());
    await this.#reader.close();
    this.#verify();
  }

  #verify(): void {
    const wrong: string[] = [];
    for (let line = 0; line < this.#lines; line++) {
      const count = this.#counts.get(startMs + 10 * line) ?? 0;
      if (count > 1 || (count === 0 && !this.#excused.has(line))) wrong.push(`${line}: ${count}`);
    }
    if (wrong.length === 0) return;
    const first = wrong.slice(0, 3).join(', ');
    throw new Error(
      `${wrong.length} of ${this.#lines} lines are wrong (${first}): ${this.#history.join(', ')}`,
    );
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.55) this.#goOn();
    else if (dice < 0.8) await this.#poll();
    else if (dice < 0.9) this.#record();
    else await this.#kill();
  }

  /** The next step of the writer or of whoever rotates. */
  #goOn(): void {
    this.#work ??= this.#random.pick([
      () => this.#writing(),
      () => this.#renaming(),
      () => this.#copying(),
      () => this.#compressing(),
    ])();
    if (this.#work.next().done === true) this.#work = undefined;
  }

  *#writing(): Generator<void, void> {
    this.#write(this.#path);
    yield;
    if (this.#random.chance(0.2) && this.#slowPath !== undefined) this.#write(this.#slowPath);
  }

  *#renaming(): Generator<void, void> {
    if (!existsSync(this.#path)) return;
    this.#moveOn();
    this.#history.push('rename');
    renameSync(this.#path, this.#at(1));
    this.#slowPath = this.#at(1);
    yield;
    if (this.#random.chance(0.5)) {
      this.#history.push('create');
      appendFileSync(this.#path, '');
    }
  }

  *#copying(): Generator<void, void> {
    if (!existsSync(this.#path)) return;
    this.#moveOn();
    this.#history.push('begin a copy');
    const text = readFileSync(this.#path);
    writeFileSync(this.#at(1), '');
    yield;
    const half = this.#random.between(0, text.length);
    appendFileSync(this.#at(1), text.subarray(0, half));
    yield;
    if (this.#random.chance(0.3)) this.#write(this.#path);
    const copied = readFileSync(this.#path);
    this.#history.push('end the copy');
    appendFileSync(this.#at(1), copied.subarray(half));
    yield;
    // Of a copy of less than 4 KiB, only a reader that is not killed can tell what it is of.
    if (copied.length >= edgeBytes && this.#random.chance(0.3)) {
      const from = this.#lines;
      this.#write(this.#path);
      for (let line = from; line < this.#lines; line++) this.#excused.add(line);
      yield;
    }
    this.#history.push('truncate');
    truncateSync(this.#path);
  }

  *#compressing(): Generator<void, void> {
    const number = this.#random.between(1, 3);
    const place = this.#at(number);
    if (!existsSync(place)) return;
    // Whoever compresses a file has made its program leave it.
    this.#slowPath = undefined;
    this.#history.push(`begin to compress ${number}`);
    const compressed = gzipSync(readFileSync(place));
    writeFileSync(`${place}.gz`, '');
    yield;
    writeFileSync(`${place}.gz`, compressed.subarray(0, this.#random.below(compressed.length)));
    yield;
    writeFileSync(`${place}.gz`, compressed);
    yield;
    this.#history.push('end to compress');
    rmSync(place);
  }

  /** Gives each rotated file the next number. */
  #moveOn(): void {
    for (let number = kept; number > 0; number--)
      for (const suffix of ['', '.gz'])
        if (existsSync(this.#at(number) + suffix))
          renameSync(this.#at(number) + suffix, this.#at(number + 1) + suffix);
    if (this.#slowPath !== undefined) this.#slowPath = this.#at(2);
    if (this.#random.chance(0.7)) this.#slowPath = undefined;
  }

  #at(number: number): string {
    return `${this.#path}.${number}`;
  }

  #write(path: string): void {
    const count = this.#random.pick([1, 3, 40, 1_500]);
    this.#history.push(`write ${count}${path === this.#path ? '' : ' to the old file'}`);
    let text = '';
    for (let line = 0; line < count; line++) {
      const ms = startMs + 10 * this.#lines++;
      text += `192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1 "-" "-" ${(ms / 1_000).toFixed(3)} 0.000\n`;
    }
    appendFileSync(path, text);
  }

  async #poll(): Promise<boolean> {
    this.#history.push('poll');
    const meanwhile = (): boolean => this.#meanwhile();
    const target: FollowTarget = {
      get hasRoom() {
        return meanwhile();
      },
      cover: () => undefined,
      add: (timeMs, count) => this.#counts.set(timeMs, (this.#counts.get(timeMs) ?? 0) + count),
    };
    return this.#reader.poll(target, { wallMs: startMs, monotonicMs: this.#monotonicMs });
  }

  /** What happens while the reader waits for a file. */
  #meanwhile(): boolean {
    if (!this.#isReading) return true;
    if (this.#random.chance(0.2)) this.#goOn();
    if (this.#random.chance(0.1)) this.#record();
    return true;
  }

  #record(): void {
    this.#history.push('record');
    const positions = new Map(this.#recorded.positions);
    for (const position of this.#reader.takeChanged()) positions.set(position.id, position);
    this.#recorded = { counts: new Map(this.#counts), positions };
  }

  async #kill(): Promise<void> {
    this.#history.push('kill');
    await this.#reader.close();
    this.#counts = new Map(this.#recorded.counts);
    this.#reader = this.#follow();
  }

  #follow(): FollowedPath {
    const say = (what: string) => () => {
      this.#history.push(what);
      this.#meanwhile();
    };
    const events: PathEvents = {
      began: say('began'),
      waiting: say('waiting'),
      unknown: say('unknown'),
      cannotRead: (reason) => say(reason)(),
      rotated: say('rotated'),
      gone: say('gone'),
      lost: say('lost'),
      behind: say('behind'),
      caughtUp: say('caught up'),
      counted: () => undefined,
      skipped: (reason) => this.#history.push(reason),
    };
    const known = [...this.#recorded.positions.values()];
    return new FollowedPath(this.#path, plannedBy({ format: 'nginx' }), events, known);
  }
}

it(`each line is counted once, over ${seeds.length} seeds`, async () => {
  for (const seed of seeds) {
    const folder = await mkdtemp(join(tmpdir(), 'reto3-follow-'));
    try {
      await new World(join(folder, 'access.log'), new Random(seed)).run();
    } catch (cause) {
      throw new Error(`seed ${seed} fails`, { cause });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}, 3_600_000);
