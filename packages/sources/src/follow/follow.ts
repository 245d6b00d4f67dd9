/**
 * Follows logs while a server counts: each new line counts in the windows of its own time. The
 * journal record with the counts also holds how far each log was read, so however the process ends,
 * the next one continues where the counts end.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  type Clock,
  counter,
  gauge,
  type Log,
  type MetricSource,
  type Moment,
  momentText,
  Reto3Error,
  timeText,
} from '@reto3/core';
import { type FlushParticipant, type SourcePosition, sourceRow } from '@reto3/engine';
import { dull, exampleOf, maxExamples, skippedText } from '../examples.ts';
import { plannedBy } from '../plan.ts';
import type { FollowTarget } from './followed-file.ts';
import { FollowedPath, type PathEvents } from './followed-path.ts';
import { fileOfOne } from './interrupted.ts';

/** How often to look at the files, and so the longest wait of a line. */
const pollMs = 50;

interface FollowedLog {
  /** Absolute. */
  readonly path: string;
  /** A format's name; detected by default. */
  readonly format?: string | undefined;
}

interface FollowParts {
  readonly target: FollowTarget;
  /** Those in the folder. */
  readonly positions: readonly SourcePosition[];
  readonly clock: Clock;
  readonly log: Log;
  /** For times without one. */
  readonly zone?: string | undefined;
}

/** Per path, since the start. */
interface Totals {
  lines: number;
  messages: number;
  lost: number;
}

export class Follow implements FlushParticipant {
  readonly #parts: FollowParts;
  readonly #paths: ReadonlyMap<string, FollowedPath>;
  readonly #totals = new Map<string, Totals>();
  /** Which moments of requests were counted since the start. */
  readonly #moments = new Set<Moment>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(logs: readonly FollowedLog[], parts: FollowParts) {
    this.#parts = parts;
    const followed = logs.map(({ path, format }) => {
      const plan = plannedBy({ format, zone: parts.zone });
      const known = parts.positions.filter((position) => position.path === path);
      return [path, new FollowedPath(path, plan, this.#eventsOf(path), known)] as const;
    });
    this.#paths = new Map(followed);
  }

  /** @throws Reto3Error RETO3_BAD_FLAG for an unknown format or zone, or an interrupted import */
  static async open(logs: readonly FollowedLog[], parts: FollowParts): Promise<Follow> {
    for (const { path } of logs) await refuseInterrupted(path, parts);
    return new Follow(logs, parts);
  }

  /** Starts reading. */
  begin(): void {
    this.#running = this.#run();
  }

  /** Stops reading. The next record has what was counted. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const path of this.#paths.values()) await path.close();
  }

  rows() {
    return [...this.#paths.values()].flatMap((path) => path.takeChanged()).map(sourceRow);
  }

  moments(): ReadonlySet<Moment> {
    return this.#moments;
  }

  rewriteAll(): void {
    for (const path of this.#paths.values()) path.markAllChanged();
  }

  readonly metrics: MetricSource = () => {
    const samples = (of: (totals: Totals) => number) =>
      [...this.#totals].map(([file, totals]) => ({ labels: { file }, value: of(totals) }));
    const states = (of: (path: FollowedPath) => number) =>
      [...this.#paths].map(([file, path]) => ({ labels: { file }, value: of(path) }));
    return [
      counter(
        'reto3_followed_lines_total',
        'Lines read from followed logs since the start.',
        samples(({ lines }) => lines),
      ),
      counter(
        'reto3_followed_messages_total',
        'Messages in the lines of followed logs; other lines were skipped.',
        samples(({ messages }) => messages),
      ),
      counter(
        'reto3_followed_files_lost_total',
        'Rotated or truncated files of followed logs that vanished before they were read to the end.',
        samples(({ lost }) => lost),
      ),
      gauge(
        'reto3_followed_behind_bytes',
        'Bytes of followed logs not read yet.',
        states(({ behindBytes }) => behindBytes),
      ),
      gauge(
        'reto3_followed_present',
        'Whether there is a file at the path of a followed log.',
        states(({ isPresent }) => Number(isPresent)),
      ),
    ];
  };

  async #run(): Promise<void> {
    const { target, clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let hasMore = false;
      for (const path of this.#paths.values())
        if (target.hasRoom) hasMore = (await path.poll(target, clock.read())) || hasMore;
      if (hasMore && target.hasRoom) await setImmediate();
      else await setTimeout(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #eventsOf(path: string): PathEvents {
    const { log } = this.#parts;
    const totals: Totals = { lines: 0, messages: 0, lost: 0 };
    this.#totals.set(path, totals);
    let examples = 0;
    let hasSaidUnknown = false;
    return {
      began: ({ format, moment, secondsOnly }) => {
        hasSaidUnknown = false;
        const clock = secondsOnly ? '; its clock ticks in seconds' : '';
        log.info(
          { file: path, format: format.name },
          `following ${path}: ${format.title}, ${momentText(moment)}${clock}`,
        );
      },
      waiting: () => log.info({ file: path }, `waiting for ${path}, which is not there yet`),
      unknown: (isAll) => {
        if (hasSaidUnknown) return;
        hasSaidUnknown = true;
        const then = isAll ? 'it is not counted' : 'waiting for more lines';
        log.warn(
          { file: path },
          `${path} has no format that is known; ${then} (name it, as in --tail ${path}=nginx)`,
        );
      },
      cannotRead: (reason) => log.warn({ file: path }, `cannot follow ${path}: ${reason}`),
      rotated: () => log.info({ file: path }, `${path} was rotated`),
      gone: () =>
        log.warn({ file: path }, `${path} is gone; counting goes on when there is a new file`),
      lost: ({ offset }) => {
        totals.lost++;
        log.warn(
          { file: path, offset },
          `what was in ${path} is in no file beside it; its lines behind byte ${offset}, if there were any, are not counted`,
        );
      },
      behind: (bytes) =>
        log.warn({ file: path, bytes }, `counting lags behind ${path} by ${bytes} bytes`),
      caughtUp: () => log.info({ file: path }, `counting has caught up with ${path}`),
      counted: (batch) => {
        totals.lines += batch.lines;
        totals.messages += batch.messages;
        if (batch.messages > 0) this.#moments.add(batch.moment);
      },
      skipped: (reason, bytes, from, to) => {
        if (dull.has(reason) || examples === maxExamples) return;
        examples++;
        const text = exampleOf(bytes, from, to);
        log.warn({ file: path }, `skipped a line of ${path}: ${skippedText(reason, text)}`);
      },
    };
  }
}

/**
 * Refuses a log of which an import can go on. Where its file is gone, it cannot: that is said.
 * @throws Reto3Error RETO3_BAD_FLAG
 */
async function refuseInterrupted(
  path: string,
  { positions, log }: Pick<FollowParts, 'positions' | 'log'>,
): Promise<void> {
  const interrupted = positions.filter((each) => each.path === path && each.writing !== undefined);
  if (interrupted.length === 0) return;
  const place = await fileOfOne(interrupted, path);
  if (place !== undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', `an import of ${path} was interrupted`, {
      hint: `run reto3 import ${place} into this data folder once more, to its end`,
    });
  for (const { writing } of interrupted)
    log.warn(
      { file: path },
      `an import of ${path} was interrupted, and the file that it read is gone: its messages from ${timeText(writing?.through ?? 0)} on are not counted`,
    );
}
