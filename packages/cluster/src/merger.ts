/**
 * The merger: takes the nodes' messages from the stream, past it and from the nodes themselves, and
 * answers with their sum. Each of its parts does one thing: `StreamReader` follows the stream,
 * `MergeState` and `MergedReports` merge, `Saver` saves, `Puller` reads from nodes what is missing.
 *
 * Its place in the stream is in its own store, in the batch with what it read.
 */
import { type Clock, type Log, Mistakes, quantity, Reto3Error } from '@reto3/core';
import {
  type CountsView,
  isStoreFailure,
  type LiveSource,
  type StoreSnapshot,
} from '@reto3/engine';
import { BadMessages } from './bad-messages.ts';
import { Groups } from './groups.ts';
import { decodeIncoming, type Incoming } from './incoming.ts';
import { believable } from './merge-record.ts';
import { MergeState, type Moment, type NodeRecord } from './merge-state.ts';
import type { MergedMinute } from './merged-minute.ts';
import { MergedReports } from './merged-reports.ts';
import type { MergedStore } from './merged-store.ts';
import { BadMessage } from './message.ts';
import type { JetStream } from './nats.ts';
import { type NodeState, nodeNamed, nodeStates } from './node-list.ts';
import { nodeLive } from './node-view.ts';
import { type AuditLimits, type HourProof, Puller } from './puller.ts';
import { isReportMessage } from './report-message.ts';
import { Saver } from './saver.ts';
import { mostNodes } from './second.ts';
import { settlesWithinMs } from './seconds-lane.ts';
import { StreamReader } from './stream-reader.ts';
import { Vouches } from './vouches.ts';

export interface MergerParts {
  readonly store: MergedStore;
  readonly clock: Clock;
  readonly log: Pick<Log, 'error' | 'info' | 'warn'>;
  readonly silentAfterMs: number;
  /** The prefix of the nodes' subjects, by group. */
  readonly subjects: readonly [string, ...string[]];
  /** Sends a request to a node of a group; rejects if there is no reply. */
  readonly request: (group: string, node: string, bytes: Uint8Array) => Promise<Uint8Array>;
}

export class Merger implements LiveSource {
  readonly #store: MergedStore;
  readonly #clock: Clock;
  readonly #groups: Groups;
  readonly #startedAt: number;
  readonly #state: MergeState;
  readonly #reader: StreamReader;
  readonly #puller: Puller;
  readonly #saver: Saver;
  readonly #badMessages: BadMessages;
  readonly #mistakes: Mistakes;
  /** The nodes' reports. */
  readonly reports: MergedReports;
  #messages = 0;
  #halting = new AbortController();

  constructor({ store, clock, log, silentAfterMs, subjects, request }: MergerParts) {
    this.#store = store;
    this.#clock = clock;
    const groups = new Groups(subjects);
    this.#groups = groups;
    this.#startedAt = clock.read().wallMs;
    const record = store.record && believable(store.record, this.#startedAt);
    const { nodes = [], finalThrough = 0 } = record ?? {};
    const state = new MergeState({ silentAfterMs, stored: store, nodes, finalThrough });
    state.keepFrom(store.keptFrom);
    const reports = new MergedReports(store, record?.reports ?? []);
    this.#state = state;
    this.reports = reports;
    this.#badMessages = new BadMessages(log);
    this.#mistakes = new Mistakes(log);
    this.#reader = new StreamReader(clock, record, {
      found: (still) => {
        if (still === false)
          log.info('the stream has lost messages, or is another: reading from the nodes instead');
        // NATS may lose newly acknowledged messages when another of its servers takes over.
        if (still !== undefined) state.missingOfAll(still ? settlesWithinMs : undefined);
        this.#puller.retry();
      },
      gap: () => state.missingOfAll(),
      take: (subject, data) => {
        this.#messages++;
        this.#take(subject, data, false);
      },
      taken: () => this.#saver.saveIfDue(this.#halting.signal),
    });
    const place = () => this.#reader.place;
    this.#saver = new Saver({ store, clock, log, state, reports, place });
    this.#puller = new Puller({
      ...{ clock, state, reports },
      request: async (node, bytes) => {
        const group = groups.ofNode(node);
        if (group === undefined) throw new Error('its group is not known yet');
        return request(group, node, bytes);
      },
      keptFrom: (period) => store.deletedBefore[period],
      oldest: () => store.oldest(),
      take: (node, message) => this.takeRead(node, message),
      onMistake: (error) => this.#mistakes.add(error, 'cannot read what a node has'),
    });
    if (store.isDamaged)
      log.error('damaged in the folder of the merger, and left out: its list of nodes');
    store.onDamage((name, from, what) => {
      log.error({ node: name, from }, `damaged in the folder of the merger, and left out: ${what}`);
      const node = state.node(name);
      if (node !== undefined) state.missing(node, from);
    });
  }

  /**
   * Reads the stream until `halt`, or until it cannot go on; then it may be called again.
   * @param reading called when it has begun
   */
  async run(jetStream: JetStream, stream: string, reading = () => undefined): Promise<void> {
    this.#halting = new AbortController();
    await this.#reader.run(jetStream, stream, reading);
  }

  /** Makes `run` return. */
  halt(): void {
    this.#halting.abort();
    this.#reader.halt();
  }

  /** Saves everything, at the end. */
  async stop(): Promise<void> {
    this.halt();
    await this.#saver.saveAll();
  }

  /** Compares the nodes with what is here, and reads what differs, until it is aborted. */
  pull(signal: AbortSignal): Promise<void> {
    return this.#puller.run(signal);
  }

  /** Takes a message that bypassed the stream, or loses it while it cannot save. Never throws. */
  takePast(group: string, node: string, data: Uint8Array): void {
    try {
      if (!this.#saver.isBehind) this.#take(`${group}.${node}`, data, true);
    } catch (error) {
      // If it cannot read its store, the next save reports that.
      if (!isStoreFailure(error)) this.#mistakes.add(error, 'cannot add up a message of a node');
    }
    this.#saver.saveSoon();
  }

  /** Takes a message that was read from a node. */
  async takeRead(node: string, data: Uint8Array): Promise<void> {
    this.#take(`${this.#groups.ofNode(node) ?? ''}.${node}`, data, true);
    await this.#saver.saveIfDue(this.#halting.signal);
  }

  /** What may be missing here, in words; undefined: nothing. */
  get lack(): string | undefined {
    const nodes = this.unread().length;
    if (nodes > 0) return `the merger may lack counts of ${quantity(nodes, 'node')}`;
    return this.#reader.isBehind ? 'the merger has not read the stream yet' : undefined;
  }

  /**
   * The nodes that are live and reply, and of which something is still missing; until it has read
   * the stream, all nodes that have not left.
   */
  unread(): string[] {
    const now = this.#clock.read();
    const isUnread = (node: NodeRecord): boolean => {
      if (this.#reader.isBehind) return !node.left && node.forgotten !== true;
      if (node.unread === undefined || this.#puller.isFailing(node.name)) return false;
      return this.#state.isLive(node, now);
    };
    return this.#state
      .nodes()
      .filter(isUnread)
      .map(({ name }) => name);
  }

  /** Compares everything with the nodes, and reads what differs. */
  compareAll(): void {
    this.#state.missingOfAll(Number.POSITIVE_INFINITY);
  }

  /**
   * Removes a node that is gone for good from the list. Its counts stay, and it is back when it
   * publishes again.
   * @throws Reto3Error RETO3_NO_SUCH_NODE, RETO3_BAD_REQUEST if it is live
   */
  async forget(name: string): Promise<void> {
    const node = nodeNamed(this.#state, name);
    if (this.#state.isLive(node, this.#clock.read()))
      throw new Reto3Error('RETO3_BAD_REQUEST', `got node "${name}", which is live: stop it first`);
    node.forgotten = true;
    await this.#saver.saveAll();
  }

  /** What each node has of each hour, and what is here; epoch ms. @throws the signal's reason */
  audit(from: number, to: number, limits: AuditLimits): Promise<HourProof[]> {
    return this.#puller.audit(from, to, limits);
  }

  /**
   * The counts of the cluster, or of one of its nodes, as they are now; to be closed.
   * @throws Reto3Error RETO3_NO_SUCH_NODE
   */
  view(name?: string): CountsView {
    if (name === undefined) return this.#store.view(this.#state.minutes(), this.#ends());
    const { vouches } = nodeNamed(this.#state, name);
    // A copy, since it may change while the view is read.
    const node = { name, vouches: new Vouches(vouches.steps) };
    return this.#store.viewOfNode(node, this.#state.minutes(), this.#ends());
  }

  /** The windows of all nodes, or of one, as they become final. @throws as `view` */
  live(name?: string): LiveSource {
    return name === undefined ? this : nodeLive(nodeNamed(this.#state, name).name, this);
  }

  /** @throws Reto3Error RETO3_NO_SUCH_NODE */
  assertKnown(name: string): void {
    nodeNamed(this.#state, name);
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
      position: this.#reader.place.position,
    };
  }

  nodes(): NodeState[] {
    return nodeStates(this.#state, this.#clock.read());
  }

  /** The nodes that are live, without adding up what they count. */
  liveNames(): ReadonlySet<string> {
    return new Set(this.#state.liveNodes(this.#clock.read()).map(({ name }) => name));
  }

  /** Everything taken so far, with its place in the stream; to be closed. */
  async backup(): Promise<StoreSnapshot> {
    await this.#saver.saveAll();
    return this.snapshot();
  }

  /** A fixed view of what is stored; to be closed. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  #ends(): Pick<CountsView, 'finalThrough' | 'newestEnd'> {
    const { finalThrough } = this;
    return { finalThrough, newestEnd: Math.max(finalThrough, this.#state.newestEnd) };
  }

  /** @param past whether it bypassed the stream */
  #take(subject: string, data: Uint8Array, past: boolean): void {
    const now = this.#clock.read();
    const group = this.#groups.ofSubject(subject);
    try {
      // Rows of reports are views of this copy; the original is in a larger buffer of the connection.
      const bytes = isReportMessage(data) ? new Uint8Array(data) : data;
      const incoming = decodeIncoming(subject, bytes, {
        subjects: group,
        nowMs: now.wallMs,
      });
      if (!this.#admits(incoming, now))
        throw new BadMessage(`there are more than ${mostNodes} nodes`);
      const { boot } = 'counts' in incoming ? incoming.counts : incoming.reports;
      this.#groups.hear(incoming.node, group, boot, this.#state.node(incoming.node)?.boot ?? 0);
      if ('counts' in incoming) {
        this.#state.apply(incoming.node, incoming.counts, now, past);
        return;
      }
      this.reports.apply(incoming.node, incoming.reports);
      if (incoming.leftOut !== undefined) throw incoming.leftOut;
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#badMessages.add(error, subject, now);
    }
  }

  /** Whether there is room for the node. What it rejects of a real one it reads later. */
  #admits(incoming: Incoming, now: Moment): boolean {
    const { node } = incoming;
    if ('counts' in incoming) return this.#state.admits(node, now);
    return this.#state.node(node) !== undefined || this.reports.nodes().length < mostNodes;
  }
}
