/**
 * The publisher of a node: sends what the cluster lacks of its seconds and of its reports, and
 * answers mergers, which read from the node whatever the stream lacks.
 *
 * The store is the buffer. Memory holds spans of time, not counts, so after an outage of NATS, however
 * long, the node only has to read, and ingest never waits.
 *
 * Invariants:
 * - it publishes only what is in the store, read from a snapshot;
 * - one message of each kind is in flight at a time. That is the only back-pressure, and why no
 *   message overtakes an earlier one.
 */
import type { Clock, Log } from '@reto3/core';
import type { FlushParticipant, Published, StoredCounts, Written } from '@reto3/engine';
import type { NextBoot } from './boot.ts';
import type { Boot, Lane } from './lane.ts';
import type { NodeReport } from './node-report.ts';
import { Pump } from './pump.ts';
import { NoReply, type ReadRequest, type Rows } from './read-message.ts';
import type { RowName } from './report-pending.ts';
import { RowsLane, waitedForMs } from './rows-lane.ts';
import { SecondsLane } from './seconds-lane.ts';

/** Where it publishes. */
export interface Outlet {
  /** Resolves when the stream has acknowledged the message. */
  publish(bytes: Uint8Array): Promise<void>;
  /** Sends a message outside the stream; it may be lost. */
  tell(bytes: Uint8Array): void;
  /** The largest message that NATS takes. */
  readonly mostBytes: number;
}

type Kind = 'publisher' | 'reports';

export interface PublisherEvents {
  /** NATS takes no messages; called once until it does again. */
  failed(kind: Kind, error: unknown): void;
  recovered(kind: Kind): void;
}

export type PublisherState = Publisher['state'];

export interface PublisherParts {
  readonly node: string;
  readonly source: { stored(): StoredCounts };
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
  /** What the folder says. */
  readonly published: Published;
  /** End of what the store holds already, epoch ms. */
  readonly newestEnd: number;
  readonly reports: {
    /** All reports of the node, as they are now. */
    list(): readonly NodeReport[];
    /** Up to where the last write holds all their final rows, epoch ms. */
    writtenThrough(finalThrough: number): number;
  };
  readonly events: PublisherEvents;
}

/** A lane, with the pump that drives it and its counters. */
interface Sending {
  readonly kind: Kind;
  readonly lane: Lane;
  /** After a failure, the store's next write starts it again. */
  readonly pump: Pump;
  messages: number;
  bytes: number;
  failures: number;
  failing: boolean;
}

export class Publisher implements FlushParticipant {
  readonly isActive = true;
  readonly #parts: PublisherParts;
  readonly #seconds: SecondsLane;
  readonly #rows: RowsLane;
  readonly #sendingSeconds: Sending;
  readonly #sendingRows: Sending;
  #published: Published;
  #boot: Boot | undefined;
  #outlet: Outlet | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#published = parts.published;
    const { node, clock, log, newestEnd } = parts;
    const common = { node, clock, log, stored: () => parts.source.stored() };
    this.#seconds = new SecondsLane({ ...common, newestEnd });
    this.#rows = new RowsLane({ ...common, reports: () => parts.reports.list() });
    this.#sendingSeconds = this.#sendingOf('publisher', this.#seconds);
    this.#sendingRows = this.#sendingOf('reports', this.#rows);
  }

  /** These rows of reports are about to be written. */
  writing(rows: readonly RowName[]): void {
    this.#rows.writing(rows);
  }

  written(written: Written): void {
    this.#seconds.written(written);
    const through = this.#parts.reports.writtenThrough(written.finalThrough);
    this.#rows.written(written.write, through);
    this.#work();
  }

  synced(write: number): void {
    this.#seconds.synced(write);
    this.#rows.synced(write);
    this.#work();
  }

  published(): Published {
    const { vouchedFrom, reports, ...known } = this.#published;
    const isKnown = vouchedFrom === undefined || this.#seconds.isKnown;
    this.#published = {
      ...known,
      ...(!isKnown && { vouchedFrom }),
      ...(reports && { reports: { ...reports, through: this.#rows.through(reports.through) } }),
    };
    return this.#published;
  }

  /**
   * Sets the next boot, for the meta row, which is written before the boot's first message.
   * @param after the boot before it in the register
   */
  announce({ boot, vouchedFrom, forked }: NextBoot, after: number): void {
    const { node, clock } = this.#parts;
    // Mergers do not know this folder yet, so they read older rows.
    const through = Math.max(0, clock.read().wallMs - waitedForMs);
    const before = forked ? undefined : this.#published.reports;
    const { lineage, voids } = before ?? { lineage: boot, voids: forked ? boot : 0 };
    // A wrong clock may have put earlier boots ahead of this one, which voids what they void.
    const reports = {
      lineage,
      voids: Math.min(voids, boot),
      through: before?.through ?? through,
    };
    this.#published = { ...this.#published, node, boot, after, vouchedFrom, reports };
    this.#boot = { boot, vouchedFrom, lineage, voids: reports.voids };
    this.#seconds.forgetKnown();
  }

  /** Begins to publish as the boot that was announced. */
  begin(outlet: Outlet): void {
    if (this.#boot === undefined) throw new Error('BUG: no boot was announced');
    this.#outlet = outlet;
    this.#seconds.begin(this.#boot.vouchedFrom);
    this.#rows.begin(this.#published.reports?.through ?? 0, outlet.mostBytes);
    this.#work();
  }

  /** NATS is there, and may have lost the messages of this boot: retries whatever failed. */
  connected(): void {
    this.#seconds.forgetKnown();
    for (const { pump } of this.#sendings) pump.retry();
  }

  /** Publishes nothing until it begins again. */
  hold(): void {
    this.#outlet = undefined;
  }

  /** Whether it publishes nothing. */
  get isHeld(): boolean {
    return this.#outlet === undefined;
  }

  /** Reads for a merger. @throws NoReply if nothing may be published */
  async read({ of, from, to, report, period }: ReadRequest): Promise<Rows> {
    if (this.#boot === undefined || this.isHeld) throw new NoReply('it may not publish now');
    if (of === 'counts') return this.#seconds.read(this.#boot, { from, to });
    const isOfRows = report !== undefined && period !== undefined;
    return this.#rows.read(this.#boot, isOfRows ? { report, period, from, to } : undefined);
  }

  get state() {
    return {
      ...this.#seconds.state,
      ...countersOf(this.#sendingSeconds),
      reports: { ...countersOf(this.#sendingRows), ...this.#rows.state },
    };
  }

  /** Publishes what is left and says goodbye; gives up after that time. */
  async stop(withinMs: number): Promise<void> {
    const { monotonicMs } = this.#parts.clock.read();
    for (const { lane, pump } of this.#sendings) {
      lane.end();
      await pump.stop();
    }
    // Before the goodbye: mergers do not wait for a node that has left.
    await this.#drain(this.#sendingRows, monotonicMs + withinMs / 2);
    await this.#drain(this.#sendingSeconds, monotonicMs + withinMs);
  }

  get #sendings(): readonly Sending[] {
    return [this.#sendingSeconds, this.#sendingRows];
  }

  #sendingOf(kind: Kind, lane: Lane): Sending {
    const isDue = (): boolean => !this.isHeld && lane.isDue();
    const pump = new Pump(this.#parts.clock, isDue, () => this.#send(sending));
    const sending = { kind, lane, pump, messages: 0, bytes: 0, failures: 0, failing: false };
    return sending;
  }

  #work(): void {
    for (const { pump } of this.#sendings) pump.work();
  }

  async #drain(sending: Sending, deadline: number): Promise<void> {
    const mayGoOn = (): boolean =>
      !this.isHeld && sending.lane.isDue() && this.#parts.clock.read().monotonicMs < deadline;
    while (mayGoOn()) if (!(await this.#send(sending))) return;
  }

  /** Reads or sends whatever is due. Returns whether it succeeded. Never throws. */
  async #send(sending: Sending): Promise<boolean> {
    const { kind, lane } = sending;
    const [boot, outlet] = [this.#boot, this.#outlet];
    if (boot === undefined || outlet === undefined) return false;
    try {
      const refused = sending.failing ? await lane.refused?.(boot) : undefined;
      for (const bytes of refused ?? []) outlet.tell(bytes);
      const message = await lane.next(boot);
      if (message === undefined) return true;
      if (message.past) outlet.tell(message.bytes);
      else {
        await outlet.publish(message.bytes);
        sending.messages++;
        sending.bytes += message.bytes.length;
        if (sending.failing) this.#parts.events.recovered(kind);
        sending.failing = false;
      }
      message.sent();
      return true;
    } catch (error) {
      lane.failed();
      sending.failures++;
      if (!sending.failing) this.#parts.events.failed(kind, error);
      sending.failing = true;
      return false;
    }
  }
}

function countersOf({ messages, bytes, failures }: Sending) {
  return { messages, bytes, failures };
}
