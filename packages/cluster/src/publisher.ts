/**
 * The publisher of a node: sends what the cluster lacks of its seconds and of its reports, one
 * message of each at a time, and gives mergers what they ask for.
 *
 * The store is the buffer. In memory there are spans of time, not counts, so an outage of NATS of
 * any length costs nothing but the reading afterwards, and ingest never waits.
 *
 * Invariants:
 * - only what the store holds is published, read from a snapshot of it;
 * - one message of each kind is under way at a time: that is all the back-pressure there is, and why
 *   a later message is never in the stream before an earlier one.
 *
 * What the stream loses, or never had, mergers read from the node (`read`).
 */
import type { Clock } from '@reto3/core';
import type { FlushParticipant, Published, StoredCounts, Written } from '@reto3/engine';
import type { NextBoot } from './boot.ts';
import type { Boot, Lane } from './lane.ts';
import type { NodeReport } from './node-report.ts';
import { Pump } from './pump.ts';
import type { ReadRequest, Rows } from './read-message.ts';
import type { RowName } from './report-pending.ts';
import type { LeftOut } from './report-windows.ts';
import { RowsLane, waitedForMs } from './rows-lane.ts';
import { SecondsLane } from './seconds-lane.ts';

/** What it publishes through. */
export interface Outlet {
  /** Resolves when the message is in the stream, for good. */
  publish(bytes: Uint8Array): Promise<void>;
  /** Sends it past the stream; it may be lost. */
  tell(bytes: Uint8Array): void;
  /** How large a message may be. */
  readonly mostBytes: number;
}

type Kind = 'publisher' | 'reports';

export interface PublisherEvents extends LeftOut {
  /** NATS does not take messages; told once, until it does again. */
  failed(kind: Kind, error: unknown): void;
  recovered(kind: Kind): void;
  /** A damaged part of the store is left out. */
  damagedCounts(from: number): void;
  /** Seconds of which nothing finer is known are left out. */
  coarseCounts(from: number): void;
}

export type PublisherState = Publisher['state'];

export interface PublisherParts {
  readonly node: string;
  readonly source: { stored(): StoredCounts };
  readonly clock: Clock;
  /** As the folder says. */
  readonly published: Published;
  /** End of what the store holds already, epoch ms. */
  readonly newestEnd: number;
  readonly reports: {
    /** All reports of the node, as they are now. */
    said(): readonly NodeReport[];
    /** Up to where the last write holds all that is final of them, epoch ms. */
    writtenThrough(finalThrough: number): number;
  };
  readonly events: PublisherEvents;
}

/** A lane, and how it goes. */
interface Sending {
  readonly kind: Kind;
  readonly lane: Lane;
  /** The next write of the store sets it going again after a failure. */
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
    const { node, clock, newestEnd, events } = parts;
    const common = { node, clock, stored: () => parts.source.stored() };
    const damaged = (from: number): void => events.damagedCounts(from);
    const coarse = (from: number): void => events.coarseCounts(from);
    this.#seconds = new SecondsLane({ ...common, newestEnd, damaged, coarse });
    const said = () => parts.reports.said();
    this.#rows = new RowsLane({ ...common, said, leftOut: events });
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
    const isTold = vouchedFrom === undefined || this.#seconds.isKnown;
    this.#published = {
      ...known,
      ...(!isTold && { vouchedFrom }),
      through: this.#seconds.through,
      ...(reports && { reports: { ...reports, through: this.#rows.through(reports.through) } }),
    };
    return this.#published;
  }

  /**
   * Which boot comes next, for the meta row: written down before the first message of it.
   * @param after the boot before it, as the register has it
   */
  announce({ boot, vouchedFrom, forked }: NextBoot, after: number): void {
    const { node, clock } = this.#parts;
    // Rows that are older mergers read: they do not know this folder yet.
    const through = Math.max(0, clock.read().wallMs - waitedForMs);
    const before = forked ? undefined : this.#published.reports;
    const { lineage, voids } = before ?? { lineage: boot, voids: forked ? boot : 0 };
    // A wrong clock may have put earlier boots ahead of this one: what they void, it voids.
    const reports = {
      lineage,
      voids: Math.min(voids, boot),
      through: before?.through ?? through,
    };
    this.#published = { ...this.#published, node, boot, after, vouchedFrom, reports };
    this.#boot = { boot, vouchedFrom, lineage, voids: reports.voids };
    this.#seconds.forgetTold();
  }

  /** Begins as the boot that was announced. Before this nothing is published. */
  begin(outlet: Outlet): void {
    if (this.#boot === undefined) throw new Error('BUG: no boot was announced');
    this.#outlet = outlet;
    this.#seconds.begin(this.#boot.vouchedFrom);
    this.#rows.begin(this.#published.reports?.through ?? 0, outlet.mostBytes);
    this.#work();
  }

  /** NATS is back: what failed is tried at once. */
  retry(): void {
    for (const { pump } of this.#sendings) pump.retry();
  }

  /** Holds back all messages until it begins anew. */
  hold(): void {
    this.#outlet = undefined;
  }

  /** Whether nothing may be published. */
  get isHeld(): boolean {
    return this.#outlet === undefined;
  }

  /** The connection was lost: nobody knows whether the cluster still knows of this boot. */
  forgetTold(): void {
    this.#seconds.forgetTold();
  }

  /** What a merger asks for. @throws Error where nothing may be published */
  async read({ of, from, to, report, period }: ReadRequest): Promise<Rows> {
    if (this.#boot === undefined || this.isHeld) throw new Error('it may not publish now');
    if (of === 'counts') return this.#seconds.read(this.#boot, { from, to });
    const isOfRows = report !== undefined && period !== undefined;
    return this.#rows.read(this.#boot, isOfRows ? { report, period, from, to } : undefined);
  }

  get state() {
    return {
      ...this.#seconds.state,
      ...sentOf(this.#sendingSeconds),
      reports: { ...sentOf(this.#sendingRows), ...this.#rows.state },
    };
  }

  /**
   * Publishes what is new, with a last word that nothing more will come, and ends; gives up when
   * the time is over.
   */
  async stop(withinMs: number): Promise<void> {
    const { monotonicMs } = this.#parts.clock.read();
    for (const { lane, pump } of this.#sendings) {
      lane.end();
      await pump.stop();
    }
    // Before the goodbye: a node that has left is not waited for.
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

  /** Reads or sends what is due. Returns whether it succeeded. Never throws. */
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

function sentOf({ messages, bytes, failures }: Sending) {
  return { messages, bytes, failures };
}
