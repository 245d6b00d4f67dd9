/**
 * The merger: reads the stream from where its store ends, adds up what the nodes say, and saves it.
 *
 * Its place in the stream lies in its own store, in the batch with what it has read, so it needs
 * neither acknowledgements nor a durable consumer: an ordered consumer begins behind that place.
 * What was read and not saved yet is read once more after a crash, and changes nothing. What the
 * stream no longer has is read from the nodes (puller.ts).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DeliverPolicy } from '@nats-io/jetstream';
import {
  alignDown,
  type Clock,
  type ClockReading,
  isPlainName,
  ms10,
  Reto3Error,
  sec,
} from '@reto3/core';
import type { CountsView, LiveSource, StoreSnapshot } from '@reto3/engine';
import { BadMessages, type Tell } from './bad-messages.ts';
import { AheadOfClock, decodeIncoming, mostAheadMs, mostBootAheadMs } from './incoming.ts';
import type { MergeRecord } from './merge-record.ts';
import { MergeState, type NodeRecord } from './merge-state.ts';
import type { MergedMinute } from './merged-minute.ts';
import { MergedReports, type NodeReports } from './merged-reports.ts';
import type { MergedStore } from './merged-store.ts';
import { BadMessage } from './message.ts';
import type { JetStream } from './nats.ts';
import { nodeLive } from './node-view.ts';
import { Backoff } from './problems.ts';
import { type HourProof, Puller } from './puller.ts';
import { mostNodes, totalOfSecond } from './second.ts';
import { Vouches } from './vouches.ts';

/** How much a killed merger reads once more, in time. */
const saveEveryMs = 10_000;
/** How many rows of reports are in memory and not saved; each node writes a few a second. */
const mostUnsavedRows = 5_000;
/** Pauses between saves that fail while nothing more may be taken. */
const [retrySaveAfterMs, mostRetrySaveAfterMs] = [500, 10_000];
/** Minutes that nothing comes for any more are let go of when they are so old. */
const forgetAfterMs = 180_000;
/** How long before its newest message the stream may have lost what was acknowledged. */
const settlesWithinMs = 180_000;
/** Over how much time a node's rate is taken. */
const rateOverMs = 10_000;
/** How many messages JetStream sends ahead. */
const messagesAhead = 1_000;
/** How often a stream without messages gives a sign, and after how long without one it is left. */
const heartbeatMs = 1_000;
const silenceMs = 3_000;
const askForMoreMs = 5_000;
/** Of the nodes that there are, for whoever asks for another. */
const mostNamed = 10;

export interface MergerEvents {
  /** It is another stream, or has lost messages: what is missing is read from the nodes. */
  missing(): void;
  /** Once for each subject and hour. */
  readonly badMessage: Tell;
  /** Told once, until it succeeds again. */
  saveFailed(error: unknown): void;
  saved(): void;
  /** A row in the merger's own folder is damaged: it is read again from the node, where it lives. */
  damaged(node: string, start: number, what: string): void;
}

export interface NodeState extends Pick<NodeRecord, 'name' | 'boot' | 'revision' | 'mark'> {
  /** live: it is waited for. silent: nothing came for --silent-after. left: it said goodbye. */
  readonly state: 'live' | 'silent' | 'left';
  /** Messages per second, over ten seconds. */
  readonly rate: number;
  /** Its part of all messages in that time, 0 to 1. */
  readonly share: number;
  /** How far its mark is behind the merger's clock, in ms. */
  readonly lagMs: number;
  readonly clockOffsetMs: number;
  /** Wall time at the merger, epoch ms. */
  readonly heardAt: number;
}

export class Merger implements LiveSource {
  readonly #store: MergedStore;
  readonly #clock: Clock;
  readonly #silentAfterMs: number;
  readonly #subjects: string;
  readonly #events: MergerEvents;
  readonly #state: MergeState;
  readonly #reports: MergedReports;
  readonly #puller: Puller;
  #stream: string;
  #position: number;
  #positionTime: number;
  #saving: Promise<void> | undefined;
  readonly #startedAt: number;
  #savedAt: number;
  #messages = 0;
  readonly #badMessages: BadMessages;
  #saveFails = false;
  #halting = new AbortController();
  #consuming: { stop(): void } | undefined;

  constructor(parts: {
    readonly store: MergedStore;
    readonly clock: Clock;
    readonly silentAfterMs: number;
    /** What the subjects of nodes begin with. */
    readonly subjects: string;
    /** Asks a node; rejects where it does not answer. */
    readonly request: (node: string, bytes: Uint8Array) => Promise<Uint8Array>;
    readonly events: MergerEvents;
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#silentAfterMs = parts.silentAfterMs;
    this.#subjects = parts.subjects;
    this.#badMessages = new BadMessages(parts.events.badMessage);
    this.#events = parts.events;
    const now = parts.clock.read();
    this.#savedAt = now.monotonicMs;
    this.#startedAt = now.wallMs;
    const { record } = parts.store;
    this.#stream = record?.stream ?? '';
    this.#position = record?.position ?? 0;
    this.#positionTime = record?.positionTime ?? 0;
    this.#state = this.#stateOf(record);
    this.#reports = new MergedReports(
      this.#store,
      reportsHeard(record, now.wallMs + mostBootAheadMs),
      this.#store.deletedBefore,
    );
    this.#puller = new Puller({
      clock: this.#clock,
      state: this.#state,
      reports: this.#reports,
      keptFrom: () => this.#store.keptFrom,
      oldest: () => this.#store.oldest(),
      request: parts.request,
      take: (node, message) => this.takeRead(node, message),
    });
    this.#store.onDamage((name, start, what) => {
      this.#events.damaged(name, start, what);
      const node = this.#state.node(name);
      if (node !== undefined) this.#state.missing(node, start);
    });
  }

  /**
   * Reads the stream until `stop`, or until it cannot go on; then it may be called again.
   * @param reading called once it reads
   */
  async run(jetStream: JetStream, stream: string, reading = () => undefined): Promise<void> {
    this.#halting = new AbortController();
    await this.#follow(jetStream, stream);
    this.#puller.retry();
    const consumer = await jetStream.reader.consumers.get(stream, {
      ...(this.#position === 0
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#position + 1 }),
    });
    const messages = await consumer.consume({
      max_messages: messagesAhead,
      idle_heartbeat: heartbeatMs,
      expires: askForMoreMs,
      // The consumer lives in the memory of one NATS server. Where it is gone this ends, and is
      // called again.
      abort_on_missing_resource: true,
    });
    this.#consuming = messages;
    reading();
    let heardAt = this.#clock.read().monotonicMs;
    // The library begins anew by itself where the consumer's server is gone, but not always: with
    // three servers of which one was killed, it was seen to wait for ever.
    // Or it begins anew behind its place in another stream of the same name, which never comes so far.
    // And a consumer was seen that gave signs of life, and none of the messages that were there.
    // However long it takes to save what was read: then it is this side that takes nothing.
    let [withheldMs, taking] = [0, false];
    const watch = setInterval(() => {
      if (this.#clock.read().monotonicMs - heardAt > silenceMs) return messages.stop();
      this.#look(jetStream.manager, stream).then(
        ({ still, more }) => {
          withheldMs = more && !taking ? withheldMs + heartbeatMs : 0;
          if (!still || withheldMs > silenceMs) messages.stop();
        },
        () => undefined,
      );
    }, heartbeatMs);
    const heartbeats = async (): Promise<void> => {
      for await (const { type } of messages.status()) {
        if (type === 'heartbeat') heardAt = this.#clock.read().monotonicMs;
      }
    };
    void heartbeats();
    try {
      for await (const { seq, subject, data, timestampNanos } of messages) {
        heardAt = this.#clock.read().monotonicMs;
        if (seq <= this.#position) continue;
        taking = true;
        if (seq > this.#position + 1 && this.#position > 0) this.#state.missingOfAll();
        this.#take(subject, data);
        this.#position = seq;
        this.#positionTime = Number(timestampNanos / 1_000_000n);
        await this.#saveIfDue();
        [withheldMs, taking] = [0, false];
      }
    } finally {
      clearInterval(watch);
      this.#consuming = undefined;
      messages.stop();
    }
  }

  /** Makes `run` return. */
  halt(): void {
    this.#halting.abort();
    this.#consuming?.stop();
  }

  /** Saves what is not saved, at the end. */
  async stop(): Promise<void> {
    this.halt();
    await this.#saveAll();
  }

  /** Compares nodes with what is here, and reads what differs, until it is aborted. */
  pull(signal: AbortSignal): Promise<void> {
    return this.#puller.run(signal);
  }

  /** Takes a message that came past the stream. */
  takePast(node: string, data: Uint8Array): void {
    this.#take(`${this.#subjects}.${node}`, data, true);
  }

  /** Takes a message that was read of a node. */
  async takeRead(node: string, data: Uint8Array): Promise<void> {
    this.#take(`${this.#subjects}.${node}`, data, true);
    await this.#saveIfDue();
  }

  /** The nodes that live and answer, and of which not all is here yet. */
  unread(): string[] {
    const nodes = this.#state.nodes().filter((node) => this.#isLive(node));
    return nodes.flatMap(({ name, unread }) =>
      unread === undefined || this.#puller.isFailing(name) ? [] : [name],
    );
  }

  /** Compares everything from a time on with the nodes, epoch ms, and reads what differs. */
  compareAll(sinceMs: number): void {
    for (const node of this.#state.nodes()) this.#state.missing(node, sinceMs);
  }

  /**
   * Takes a node off the list: it is gone for good. Its counts stay, and it is back as soon as it
   * publishes anything.
   * @throws Reto3Error RETO3_NO_SUCH_NODE, RETO3_BAD_REQUEST where it lives
   */
  async forget(name: string): Promise<void> {
    const node = this.#nodeNamed(name);
    if (this.#isLive(node))
      throw new Reto3Error('RETO3_BAD_REQUEST', `got node "${name}", which is live: stop it first`);
    node.forgotten = true;
    await this.#saveAll();
  }

  /** What each node has of each hour, beside what is here; epoch ms. */
  audit(from: number, to: number): Promise<HourProof[]> {
    return this.#puller.audit(from, to);
  }

  /** All counts of the cluster as they are now; to be closed. */
  view(): CountsView {
    return this.#store.view(this.#state.minutes(), this.#ends());
  }

  /** The counts of one node as they are now; to be closed. @throws Reto3Error RETO3_NO_SUCH_NODE */
  viewOfNode(name: string): CountsView {
    const { vouches } = this.#nodeNamed(name);
    // As it is now: it grows while the view is read.
    const node = { name, vouches: new Vouches(vouches.steps) };
    return this.#store.viewOfNode(node, this.#state.minutes(), this.#ends());
  }

  /** The windows of one node as they become final. @throws Reto3Error RETO3_NO_SUCH_NODE */
  liveOfNode(name: string): LiveSource {
    return nodeLive(this.#nodeNamed(name).name, this);
  }

  get finalThrough(): number {
    return this.#state.finalThrough(this.#clock.read());
  }

  sweep(): number {
    return this.finalThrough;
  }

  state(): { readonly startedAt: number } {
    return { startedAt: this.#startedAt };
  }

  minutesInMemory(): Iterable<MergedMinute> {
    return this.#state.minutes();
  }

  get counters() {
    const { tooOld, void: voided } = this.#state.ignored;
    return {
      messages: this.#messages,
      badMessages: this.#badMessages.count,
      secondsTooOld: tooOld,
      secondsVoid: voided,
      position: this.#position,
    };
  }

  nodes(): NodeState[] {
    const now = this.#clock.read();
    const totals = this.#recentTotals();
    const all = [...totals.values()].reduce((sum, total) => sum + total, 0);
    return this.#known().map((node) => {
      const total = totals.get(node.name) ?? 0;
      const { name, boot, revision, mark, clockOffsetMs, heardAtWall } = node;
      return {
        ...{ name, boot, revision, mark, clockOffsetMs, heardAt: heardAtWall },
        state: node.left ? 'left' : this.#state.isSilent(node, now) ? 'silent' : 'live',
        rate: total / (rateOverMs / sec.windowMs),
        share: all === 0 ? 0 : total / all,
        lagMs: Math.max(0, now.wallMs - mark),
      };
    });
  }

  /** What the nodes say of their reports. */
  get reports(): MergedReports {
    return this.#reports;
  }

  /** A fixed view of what is stored; to be closed. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  #ends(): Pick<CountsView, 'finalThrough' | 'newestEnd'> {
    const finalThrough = this.#state.finalThrough(this.#clock.read());
    return { finalThrough, newestEnd: Math.max(finalThrough, this.#state.newestEnd) };
  }

  #known(): NodeRecord[] {
    return this.#state.nodes().filter(({ forgotten }) => forgotten !== true);
  }

  #nodeNamed(name: string): NodeRecord {
    const nodes = this.#state.nodes();
    const node = nodes.find((each) => each.name === name);
    if (node !== undefined) return node;
    const named = nodes.slice(0, mostNamed).map((each) => each.name);
    const more = nodes.length > named.length ? ` and ${nodes.length - named.length} more` : '';
    const known = nodes.length === 0 ? 'none yet' : `${named.join(', ')}${more}`;
    throw new Reto3Error('RETO3_NO_SUCH_NODE', `got node "${name}"; the cluster has ${known}`);
  }

  #stateOf(record: MergeRecord | undefined): MergeState {
    const { wallMs } = this.#clock.read();
    const state = new MergeState({
      silentAfterMs: this.#silentAfterMs,
      stored: this.#store,
      nodes: nodesHeard(record, wallMs),
      finalThrough: Math.min(record?.finalThrough ?? 0, wallMs),
    });
    state.keepFrom(this.#store.keptFrom);
    return state;
  }

  /** Makes sure that the place in the stream means something in this stream. */
  async #follow({ manager }: JetStream, stream: string): Promise<void> {
    const { created, still } = await this.#look(manager, stream);
    if (this.#stream !== '') {
      if (!still) this.#events.missing();
      // NATS may lose what it has acknowledged lately, when another of its servers takes over.
      this.#state.missingOfAll(still ? settlesWithinMs : undefined);
    }
    if (!still) this.#position = 0;
    this.#stream = created;
  }

  /**
   * Whether its place still means something in the stream of that name. A stream that had lost its
   * newest messages, and got others since, has other messages under the same numbers: so the time of
   * the last one that was read is looked at as well. `more`: there are messages behind that one.
   */
  async #look(
    { streams }: JetStream['manager'],
    stream: string,
  ): Promise<{ readonly created: string; readonly still: boolean; readonly more: boolean }> {
    const [position, positionTime] = [this.#position, this.#positionTime];
    const { created, state } = await streams.info(stream);
    const more = state.messages > 0 && state.last_seq > position;
    if (this.#stream !== created || state.last_seq < position)
      return { created, still: false, more };
    // In time all messages are deleted.
    if (position < Math.max(state.first_seq, 1)) return { created, still: true, more };
    const message = await streams.getMessage(stream, { seq: position });
    return { created, still: message?.time.getTime() === positionTime, more };
  }

  #take(subject: string, data: Uint8Array, past = false): void {
    if (!past) this.#messages++;
    const now = this.#clock.read();
    try {
      // One copy, of which the parts keep views: what comes from the network is in a larger buffer.
      const incoming = decodeIncoming(subject, new Uint8Array(data), {
        subjects: this.#subjects,
        nowMs: now.wallMs,
      });
      if ('counts' in incoming) {
        if (!this.#state.admits(incoming.node, now))
          throw new BadMessage(`there are more than ${mostNodes} nodes`);
        this.#state.apply(incoming.node, incoming.counts, now, past);
        return;
      }
      this.#reports.apply(incoming.node, incoming.reports);
      if (incoming.leftOut !== undefined) throw incoming.leftOut;
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#badMessages.add(error, subject, now);
      const node = error instanceof AheadOfClock ? this.#state.node(error.node) : undefined;
      // Once the clock is right, it comes from the node.
      if (error instanceof AheadOfClock && node) this.#state.missing(node, error.since);
    }
  }

  async #saveIfDue(): Promise<void> {
    const now = this.#clock.read().monotonicMs;
    if (!this.#isFull) {
      if (now - this.#savedAt < saveEveryMs) return;
      this.#savedAt = now;
      // Messages are taken while a save is under way; what they change is saved by the next.
      void this.#startSave();
      return;
    }
    // Nothing more is taken before the disk takes what there is: stream and nodes keep it meanwhile.
    const backoff = new Backoff(retrySaveAfterMs, mostRetrySaveAfterMs);
    for (let again = false; this.#isFull && !this.#halting.signal.aborted; again = true) {
      const { signal } = this.#halting;
      if (again) await wait(backoff.next(), undefined, { signal }).catch(() => undefined);
      await this.#saveAll();
    }
  }

  /** Whether as much is unsaved as may be in memory. */
  get #isFull(): boolean {
    return this.#state.isFull || this.#reports.unsavedRows >= mostUnsavedRows;
  }

  /** Saves everything that is there now. */
  async #saveAll(): Promise<void> {
    await this.#saving;
    await this.#startSave();
  }

  /** Never rejects. One save is under way at a time. */
  #startSave(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    try {
      await this.#store.prepare();
      await this.#voidStored();
      await this.#saveMinutes();
      if (this.#saveFails) this.#events.saved();
      this.#saveFails = false;
    } catch (error) {
      if (!this.#saveFails) this.#events.saveFailed(error);
      this.#saveFails = true;
    }
  }

  /** Adds up anew what a node's new boot has voided in minutes that are not in memory. */
  async #voidStored(): Promise<void> {
    for (const node of this.#state.nodes()) {
      const from = node.voidFrom;
      // What its new boot has as well is read first: then little is void.
      if (from === undefined || (node.unread !== undefined && this.#isLive(node))) continue;
      for await (const start of this.#store.minutesFrom(from)) {
        if (!this.#state.applyVouches(node, start)) continue;
        if (this.#state.isFull) await this.#saveMinutes();
      }
      if (node.voidFrom === from) node.voidFrom = undefined;
    }
  }

  #isLive(node: NodeRecord): boolean {
    return !node.left && !node.forgotten && !this.#state.isSilent(node, this.#clock.read());
  }

  async #saveMinutes(): Promise<void> {
    const now = this.#clock.read();
    this.#state.keepFrom(this.#store.keptFrom);
    this.#reports.keepFrom(this.#store.deletedBefore);
    const finalThrough = this.#state.finalThrough(now);
    const minutes = this.#state.minutes().filter((minute) => minute.unsavedParts > 0);
    const record = {
      stream: this.#stream,
      position: this.#position,
      positionTime: this.#positionTime,
      finalThrough,
      nodes: this.#state.nodes(),
      reports: this.#reports.nodes(),
    };
    await this.#store.save(minutes, this.#reports, record);
    this.#reports.forget();
    this.#letGo(now);
  }

  #letGo(now: ClockReading): void {
    const before = Math.min(now.wallMs, this.#state.newestEnd) - forgetAfterMs;
    for (const { start, end } of this.#state.minutes()) if (end < before) this.#state.forget(start);
  }

  /** What each node counted in the last seconds that are final. */
  #recentTotals(): Map<string, number> {
    const to = alignDown(this.finalThrough, sec.windowMs);
    const totals = new Map<string, number>();
    for (const minute of this.#state.minutes()) {
      const first = Math.max(minute.start, to - rateOverMs);
      for (let start = first; start < Math.min(minute.end, to); start += sec.windowMs) {
        const index = (start - minute.start) / sec.windowMs;
        for (const { name } of this.#state.nodes()) {
          const packed = minute.part(name)?.second(index);
          if (packed !== undefined)
            totals.set(name, (totals.get(name) ?? 0) + totalOfSecond(packed));
        }
      }
    }
    return totals;
  }
}
if (ms10.blockMs > forgetAfterMs) throw new Error('BUG: open minutes are let go of');

/**
 * The nodes of a record. A version of reto3 that believed every message may have written down any
 * time, boot and name.
 */
function nodesHeard(record: MergeRecord | undefined, wallMs: number): NodeRecord[] {
  const lastBoot = wallMs + mostBootAheadMs;
  const known = record?.nodes.filter(({ name }) => isPlainName(name)) ?? [];
  return known.map((node) => ({
    ...node,
    mark: Math.min(node.mark, wallMs + mostAheadMs),
    vouches: new Vouches(node.vouches.steps.filter(({ boot }) => boot <= lastBoot)),
    ...(node.boot > lastBoot && { boot: 0, revision: 0, unread: 0 }),
  }));
}

/** The same of what its nodes said of their reports. */
function reportsHeard(record: MergeRecord | undefined, lastBoot: number): NodeReports[] {
  const known = record?.reports ?? [];
  return known.map((node) => ({
    ...node,
    ...(node.voids > lastBoot && { voids: 0 }),
    ...(node.boot > lastBoot && { boot: 0, revision: 0 }),
  }));
}
