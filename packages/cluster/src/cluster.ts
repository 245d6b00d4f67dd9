/**
 * A server's part in the cluster: it keeps the connection to NATS, holds the node's name, and runs
 * publisher and merger over it. Loaded only where --nats is given.
 *
 * NATS may be away at any time, for any length. Then this tries again, and nothing else of the
 * server notices.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Clock, type Log, type MetricSource, messageOf, Reto3Error } from '@reto3/core';
import {
  type Coordinator,
  type CountsView,
  type FlushParticipant,
  type LiveSource,
  neverPublished,
  type Published,
  Retention,
} from '@reto3/engine';
import type { Report, ReportLedgers } from '@reto3/reports';
import { nextBoot } from './boot.ts';
import { ClusterReports } from './cluster-reports.ts';
import type { ClusterState } from './cluster-state.ts';
import { MergedStore } from './merged-store.ts';
import { Merger, type NodeState } from './merger.ts';
import { clusterMetrics } from './metrics.ts';
import {
  connectionOptions,
  type JetStream,
  leaseMs,
  openConnection,
  openJetStream,
  refusalOf,
} from './nats.ts';
import { NodeReads } from './node-reads.ts';
import type { NodeReport } from './node-report.ts';
import type { ClusterOptions } from './options.ts';
import { Backoff, type Part, Problems } from './problems.ts';
import { type Boot, type Outlet, Publisher } from './publisher.ts';
import type { HourProof } from './puller.ts';
import { Register } from './register.ts';
import { ReportPublisher } from './report-publisher.ts';

/** Several times within a lease, so that one answer that is lost does not cost the name. */
const turnEveryMs = leaseMs / 4;
/** How long a node may take to answer a merger. */
const readWithinMs = 10_000;
const [retryAfterMs, mostRetryAfterMs] = [500, 4_000];
/** How long a stop waits for NATS; what is not published then is at the next start. */
const drainWithinMs = 2_000;

const notReached = 'NATS was not reached yet';

/** What NATS takes where its server does not say. */
const usualPayloadBytes = 1 << 20;

type ConnectionOptions = Awaited<ReturnType<typeof connectionOptions>>;

export interface ClusterParts {
  readonly settings: ClusterOptions;
  readonly coordinator: Coordinator;
  /** The reports of this server as a node. */
  readonly ledgers: ReportLedgers;
  /** Those that are loaded, to merge what nodes publish. */
  readonly reports: readonly Report[];
  /** Absolute path. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Cluster {
  readonly #settings: ClusterOptions;
  readonly #coordinator: Coordinator;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: ConnectionOptions;
  readonly #place: string;
  readonly #instance = randomUUID();
  readonly #publisher: Publisher | undefined;
  readonly #reportPublisher: ReportPublisher | undefined;
  readonly #reads: NodeReads | undefined;
  readonly #merger: Merger | undefined;
  readonly #reports: ClusterReports | undefined;
  readonly #mergedStore: MergedStore | undefined;
  readonly #retention: Retention | undefined;
  readonly #problems: Problems;
  readonly #stopping = new AbortController();
  #connection: NatsConnection | undefined;
  #jetStream: JetStream | undefined;
  #register: Register | undefined;
  #boot: Boot | undefined;
  #nudge: AbortController = new AbortController();
  /** Whether it ever could do its part. */
  #joined = false;
  #running: Promise<unknown> = Promise.resolve();
  #turning: Promise<void> = Promise.resolve();

  private constructor(
    parts: ClusterParts,
    options: ConnectionOptions,
    mergedStore: MergedStore | undefined,
  ) {
    const { settings, coordinator, clock, log } = parts;
    this.#settings = settings;
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#log = log;
    this.#problems = new Problems(log);
    this.#options = options;
    this.#place = `${hostname()}:${parts.dataDir}`;
    if (settings.role !== 'merge') {
      this.#publisher = new Publisher({
        node: settings.node,
        source: coordinator,
        clock,
        published: coordinator.published ?? neverPublished,
        newestEnd: coordinator.endBefore,
        events: {
          failed: (error) => this.#fail('publisher', 'cannot publish', error),
          recovered: () => this.#problems.end('publisher'),
          damaged: (from) =>
            log.warn({ from }, 'a damaged part of the store was not published to the cluster'),
        },
      });
      this.#reportPublisher = this.#makeReportPublisher(parts.ledgers);
      this.#reads = new NodeReads({
        stored: () => coordinator.stored(),
        keptFrom: () => coordinator.flusher.meta.deletedBefore.ms10,
        publisher: this.#publisher,
        reports: this.#reportPublisher,
      });
      coordinator.join(publishingBoth(this.#publisher, this.#reportPublisher, parts.ledgers));
    }
    if (mergedStore !== undefined) {
      this.#mergedStore = mergedStore;
      mergedStore.countClockSteps(() => coordinator.state().clockSteps);
      this.#merger = this.#makeMerger(mergedStore);
      this.#reports = new ClusterReports(this.#merger, parts.reports);
      const retain = {
        ms10: settings.retainMs10,
        sec: settings.retainSec,
        min: settings.retainMin,
      };
      this.#retention = new Retention(mergedStore, clock, retain, {
        deleted: (period, beforeMs) =>
          log.info({ period, before: beforeMs }, 'old blocks of the cluster are deleted'),
        failed: (error) => log.warn({ err: error }, 'old blocks of the cluster could not go'),
      });
    }
  }

  /**
   * Opens what it needs; nothing is published or merged before `begin`.
   * @throws Reto3Error RETO3_BAD_SETTING, and where the merger's folder cannot be opened
   */
  static async open(parts: ClusterParts): Promise<Cluster> {
    const settings = withNameOfFolder(parts);
    const options = await connectionOptions(settings);
    const merges = parts.settings.role !== 'ingest';
    const store = merges ? await MergedStore.open(parts.dataDir, parts.clock) : undefined;
    const cluster = new Cluster({ ...parts, settings }, options, store);
    if (settings.node !== parts.settings.node)
      parts.log.info({ node: settings.node }, 'publishing under the name that this folder has');
    return cluster;
  }

  /** To be called when the server counts. Does not wait for NATS. */
  begin(): void {
    this.#retention?.start();
    this.#running = this.#run();
  }

  /** Whether this server adds up the cluster. */
  get addsUp(): boolean {
    return this.#merger !== undefined;
  }

  /**
   * The windows of all nodes, or of one, as they become final.
   * @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE
   */
  live(node?: string): LiveSource {
    const merger = this.#mergerOrNone;
    return node === undefined ? merger : merger.liveOfNode(node);
  }

  /**
   * All counts of the cluster, or of one of its nodes; to be closed.
   * @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE
   */
  view(node?: string): CountsView {
    const merger = this.#mergerOrNone;
    return node === undefined ? merger.view() : merger.viewOfNode(node);
  }

  /** What the reports of all nodes say. @throws Reto3Error RETO3_NO_CLUSTER */
  get reports(): ClusterReports {
    if (this.#reports !== undefined) return this.#reports;
    throw addsUpNone();
  }

  /** @throws Reto3Error RETO3_NO_CLUSTER */
  nodes(): NodeState[] {
    return this.#mergerOrNone.nodes();
  }

  readonly metrics: MetricSource = () => clusterMetrics(this.state(), this.#merger?.nodes() ?? []);

  state(): ClusterState {
    const { role, natsStream: stream } = this.#settings;
    const closed = this.#connection?.isClosed() !== false;
    return {
      role,
      stream,
      server: closed ? undefined : this.#connection?.getServer(),
      problem: this.#problems.current ?? (this.#joined ? undefined : notReached),
      publisher: this.#publisher &&
        this.#reportPublisher && {
          ...this.#publisher.state,
          reports: this.#reportPublisher.state,
        },
      merger: this.#merger && {
        ...this.#merger.counters,
        finalThrough: this.#merger.finalThrough,
      },
    };
  }

  /**
   * Compares everything with the nodes from a time on, epoch ms, and reads from them what differs.
   * @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NATS_AWAY
   */
  compareAll(sinceMs: number): void {
    const merger = this.#mergerOrNone;
    this.#assertConnected();
    merger.compareAll(sinceMs);
  }

  /** Takes a node off the list. @throws Reto3Error RETO3_NO_CLUSTER, and as Merger.forget */
  forget(name: string): Promise<void> {
    return this.#mergerOrNone.forget(name);
  }

  /** Of how many nodes this merger still reads what it lacks. */
  get nodesUnread(): number {
    return this.#merger?.unread().length ?? 0;
  }

  /** The name under which this server publishes. */
  get node(): string {
    return this.#settings.node;
  }

  /**
   * What each node has of each hour of a range, beside what is here; epoch ms.
   * @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NATS_AWAY
   */
  audit(from: number, to: number): Promise<HourProof[]> {
    const merger = this.#mergerOrNone;
    this.#assertConnected();
    return merger.audit(from, to);
  }

  /** Publishes and saves what it can in two seconds, says goodbye, and leaves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retention?.stop();
    const goodbye = async (): Promise<void> => {
      // A server that was just started may be about to begin: then it can publish what it has.
      await this.#turning.catch(() => undefined);
      // Before the goodbye: a node that has left is not waited for.
      await this.#reportPublisher?.stop(drainWithinMs / 2);
      await this.#publisher?.stop(drainWithinMs);
      await this.#register?.release();
      await this.#connection?.close();
    };
    await Promise.race([goodbye().catch(() => undefined), wait(drainWithinMs)]);
    this.#sayWhatIsLeft();
    await this.#merger?.stop();
    await Promise.race([this.#running, wait(drainWithinMs)]);
    await this.#connection?.close().catch(() => undefined);
    await this.#mergedStore?.close();
  }

  /** The folder of a server that is gone for good takes with it what was not published. */
  #sayWhatIsLeft(): void {
    const seconds = this.#publisher?.state.secondsPending ?? 0;
    const reports = this.#reportPublisher?.state.pending === true;
    if (seconds === 0 && !reports) return;
    const what = `${seconds} s of counts${reports ? ' and some rows of reports' : ''}`;
    this.#log.warn(
      { secondsPending: seconds },
      `stopped with ${what} that did not reach the cluster; the next start on this folder publishes them`,
    );
  }

  get #mergerOrNone(): Merger {
    if (this.#merger !== undefined) return this.#merger;
    throw addsUpNone();
  }

  /** @throws Reto3Error RETO3_NATS_AWAY */
  #assertConnected(): void {
    if (this.#connection?.isClosed() === false && this.#joined) return;
    throw new Reto3Error('RETO3_NATS_AWAY', 'cannot ask the nodes: not connected to NATS');
  }

  /** No subjects of the stream: those have one word after the prefix. */
  #subject(of: 'open' | 'read', node: string): string {
    return `${this.#settings.natsSubject}.${of}.${node}`;
  }

  #makeReportPublisher(ledgers: ReportLedgers): ReportPublisher {
    const log = this.#log;
    const warned = new Set<string>();
    return new ReportPublisher({
      node: this.#settings.node,
      source: this.#coordinator,
      clock: this.#clock,
      published: this.#coordinator.published?.reports,
      said: () => saidOf(ledgers),
      events: {
        failed: (error) => this.#fail('reports', 'cannot publish the reports', error),
        recovered: () => this.#problems.end('reports'),
        damaged: (row, reason) =>
          log.warn(row, `a damaged row of a report was not published to the cluster: ${reason}`),
        tooLarge: (window, bytes) => {
          if (warned.has(window.report)) return;
          warned.add(window.report);
          const what = `an accumulator of the report ${window.report} has ${bytes} bytes`;
          log.warn(window, `${what}, more than NATS takes: the cluster does without such ones`);
        },
      },
    });
  }

  #makeMerger(store: MergedStore): Merger {
    const log = this.#log;
    return new Merger({
      store,
      clock: this.#clock,
      silentAfterMs: this.#settings.silentAfter,
      subjects: this.#settings.natsSubject,
      request: (node, bytes) => this.#request(node, bytes),
      events: {
        missing: () =>
          log.info('the stream has lost messages, or is another: reading from the nodes instead'),
        badMessage: ({ message: reason }, from, count) =>
          log.warn(
            { from, reason, count },
            `the stream holds what is no message of a node, and it is skipped: ${reason}`,
          ),
        saveFailed: (error) =>
          log.error({ err: error }, 'cannot save the counts of the cluster; will try again'),
        saved: () => log.info('the counts of the cluster are saved again'),
        damaged: (node, from, what) =>
          log.error({ node, from }, `damaged in the folder of the merger, and left out: ${what}`),
      },
    });
  }

  async #run(): Promise<void> {
    const connection = await this.#connect();
    if (connection === undefined) return;
    this.#connection = connection;
    if (this.#stopping.signal.aborted) return connection.close();
    this.#log.info({ server: connection.getServer() }, 'connected to NATS');
    this.#connected();
    void this.#watchConnection(connection);
    this.#listen(connection);
    const pulling = this.#merger?.pull(this.#stopping.signal);
    await Promise.all([this.#keepTurning(connection), this.#keepMerging(), pulling]);
  }

  /** What goes past the stream: the open seconds of all nodes, and what mergers ask this one. */
  #listen(connection: NatsConnection): void {
    const [merger, reads] = [this.#merger, this.#reads];
    if (merger !== undefined)
      connection.subscribe(this.#subject('open', '*'), {
        callback: (_, { subject, data }) => merger.takePast(lastWordOf(subject), data),
      });
    if (reads !== undefined)
      connection.subscribe(this.#subject('read', this.#settings.node), {
        callback: (_, message) => {
          // Whoever has asked in vain asks again.
          void reads.answer(message.data).then(
            (answer) => message.respond(answer),
            () => undefined,
          );
        },
      });
  }

  async #request(node: string, bytes: Uint8Array): Promise<Uint8Array> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('not connected');
    const timeout = readWithinMs;
    return (await connection.request(this.#subject('read', node), bytes, { timeout })).data;
  }

  /** Tries until NATS lets us in; undefined where the server stops before that. */
  async #connect(): Promise<NatsConnection | undefined> {
    const backoff = newBackoff();
    while (!this.#stopping.signal.aborted) {
      try {
        return await openConnection(this.#options);
      } catch (error) {
        this.#fail('connection', 'cannot connect to NATS', error);
      }
      await this.#rest(backoff.next());
    }
    return undefined;
  }

  /** What waits for NATS need not wait any longer. */
  #connected(): void {
    this.#problems.end('access');
    this.#problems.end('connection');
    this.#publisher?.retry();
    this.#reportPublisher?.retry();
  }

  async #watchConnection(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect')
        this.#fail('connection', 'NATS is away', 'the connection broke');
      if (status.type === 'error' && refusalOf(status.error) !== undefined)
        this.#fail('connection', 'NATS refuses', status.error);
      if (status.type !== 'reconnect') continue;
      this.#connected();
      // Another server may lead the stream now, and have lost the newest of it.
      this.#publisher?.forgetTold();
      this.#merger?.halt();
      this.#nudge.abort();
    }
  }

  /** Sees again and again that the stream is there and the name is ours. */
  async #keepTurning(connection: NatsConnection): Promise<void> {
    const backoff = newBackoff();
    while (!this.#stopping.signal.aborted) {
      this.#nudge = new AbortController();
      let pauseMs = turnEveryMs;
      try {
        this.#turning = this.#turn(connection);
        await this.#turning;
        this.#problems.end('register');
        this.#joined = true;
        backoff.reset();
      } catch (error) {
        this.#fail('register', 'cannot use NATS', error);
        this.#nudge = new AbortController();
        // Where nobody can be asked for the name, nobody else can take it either: it goes on publishing.
        pauseMs = backoff.next();
      }
      await this.#pause(pauseMs);
    }
  }

  async #turn(connection: NatsConnection): Promise<void> {
    const first = this.#jetStream === undefined;
    if (first) await this.#open(connection);
    // As long as NATS does not take messages, the stream may be gone.
    const opened =
      first || this.#problems.current === undefined ? undefined : this.#open(connection);
    // Beside each other: where the stream cannot be looked at, the name must still not be lost.
    const [claimed, looked] = await Promise.allSettled([this.#claimName(), opened]);
    if (looked.status === 'rejected') throw looked.reason;
    if (claimed.status === 'rejected') throw claimed.reason;
    if (claimed.value === undefined) this.#problems.end('name');
    else this.#problems.begin('name', claimed.value);
  }

  /** Finds stream and buckets, or makes them again. */
  async #open(connection: NatsConnection): Promise<void> {
    const jetStream = await openJetStream(connection, this.#settings);
    if (this.#jetStream === undefined)
      for (const difference of jetStream.differences) this.#log.warn(difference);
    this.#jetStream = jetStream;
    this.#register ??= new Register(jetStream, this.#settings.node, {
      instance: this.#instance,
      place: this.#place,
    });
  }

  /** Returns what stands in the way, if anything does. */
  async #claimName(): Promise<string | undefined> {
    const [publisher, register] = [this.#publisher, this.#register];
    if (publisher === undefined || register === undefined) return undefined;
    const { node } = publisher.published();
    if (node !== '' && node !== this.#settings.node) {
      return `the counts in this folder were published as ${node}, and as ${this.#settings.node} they would count twice: start it with --node ${node}`;
    }
    const claim = await register.claim();
    if (!claim.granted) {
      this.#hold();
      this.#boot = undefined;
      return `another server publishes as ${this.#settings.node}: ${claim.holder}; give one of them another --node, this one waits`;
    }
    if (this.#boot === undefined || publisher.held) await this.#begin(publisher, register);
    return undefined;
  }

  async #begin(publisher: Publisher, register: Register): Promise<void> {
    const registered = await register.lastBoot();
    const outlet: Outlet = {
      publish: (bytes) => this.#publish(bytes),
      tell: (bytes) => this.#connection?.publish(this.#subject('open', this.#settings.node), bytes),
    };
    const mostBytes = this.#connection?.info?.max_payload ?? usualPayloadBytes;
    if (this.#boot !== undefined && registered === this.#boot.boot) {
      publisher.begin(this.#boot, outlet);
      this.#reportPublisher?.begin(this.#boot.boot, outlet, mostBytes);
      return;
    }
    const { endBefore } = this.#coordinator;
    const { startedAt } = this.#coordinator.state();
    const before = publisher.published();
    const { wallMs } = this.#clock.read();
    const gone = this.#coordinator.gone.ms10;
    const next = nextBoot({ before, registered, endBefore, startedAt, wallMs, gone });
    publisher.announce(next, registered);
    this.#reportPublisher?.announce(next.boot, next.forked);
    await this.#coordinator.savePublished(publishedBoth(publisher, this.#reportPublisher));
    await register.recordBoot(next.boot);
    this.#boot = { boot: next.boot, vouchedFrom: next.vouchedFrom };
    if (next.forked)
      this.#log.warn(
        'this folder is not what was published last under this name: what it holds counts from now on',
      );
    publisher.begin(this.#boot, outlet);
    this.#reportPublisher?.begin(next.boot, outlet, mostBytes);
  }

  /** Nothing is published until it begins anew. */
  #hold(): void {
    this.#publisher?.hold();
    this.#reportPublisher?.hold();
  }

  async #publish(bytes: Uint8Array): Promise<void> {
    const jetStream = this.#jetStream;
    if (jetStream === undefined) throw new Error('not connected');
    const subject = `${this.#settings.natsSubject}.${this.#settings.node}`;
    await jetStream.client.publish(subject, bytes, { retries: 0 });
  }

  async #keepMerging(): Promise<void> {
    const merger = this.#merger;
    if (merger === undefined) return;
    const backoff = newBackoff();
    while (!this.#stopping.signal.aborted) {
      const jetStream = this.#jetStream;
      try {
        if (jetStream !== undefined) {
          await merger.run(jetStream, this.#settings.natsStream, () => {
            this.#problems.end('merger');
            backoff.reset();
          });
        }
      } catch (error) {
        this.#fail('merger', 'cannot read the stream', error);
      }
      await this.#rest(backoff.next());
    }
  }

  #fail(part: Part, what: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const refusal = refusalOf(error);
    if (refusal !== undefined) this.#problems.begin('access', refusal);
    else this.#problems.begin(part, `${what}: ${messageOf(error)}`);
    this.#nudge.abort();
  }

  async #rest(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, this.#nudge.signal]);
    await wait(ms, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Where nobody has chosen a name, that of the folder stays, though the host has another one now: so
 * does a container that was replaced.
 */
function withNameOfFolder({ settings, coordinator }: ClusterParts): ClusterOptions {
  const node = coordinator.published?.node ?? '';
  return node === '' || settings.node !== settings.usualNode ? settings : { ...settings, node };
}

function lastWordOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

function newBackoff(): Backoff {
  return new Backoff(retryAfterMs, mostRetryAfterMs);
}

function addsUpNone(): Reto3Error {
  return new Reto3Error('RETO3_NO_CLUSTER', 'this server does not add up a cluster');
}

/** What the cluster is told of the reports of a node. */
function saidOf(ledgers: ReportLedgers): NodeReport[] {
  return ledgers.facts().map(({ name, summary, periods, columns, code, since }) => ({
    ...{ name, summary, periods, columns, since, running: ledgers.isOn(name) },
    ...(code !== undefined && { code }),
  }));
}

function publishedBoth(counts: Publisher, reports: ReportPublisher | undefined): Published {
  const more = reports?.published();
  return { ...counts.published(), ...(more && { reports: more }) };
}

/** Both publishers are told of every write, the reports with their rows. */
function publishingBoth(
  counts: Publisher,
  reports: ReportPublisher,
  ledgers: ReportLedgers,
): FlushParticipant {
  ledgers.onChanges((rows) => reports.writing(rows));
  return {
    isActive: true,
    published: () => publishedBoth(counts, reports),
    written(written) {
      counts.written(written);
      reports.written(written.write, ledgers.writtenThrough(written.finalThrough));
    },
    synced(write) {
      counts.synced(write);
      reports.synced(write);
    },
  };
}
