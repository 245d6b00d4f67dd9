/**
 * A server's part in the cluster: keeps the connection to NATS, sees that the stream is there, and
 * runs its node and its merger over it. Loaded only where --nats is given.
 *
 * NATS may be away at any time, for any length. Then this tries again, and nothing else of the
 * server notices.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Log, type MetricSource, messageOf, Reto3Error } from '@reto3/core';
import { type CountsView, type LiveSource, Retention, type StoreSnapshot } from '@reto3/engine';
import { ClusterReports } from './cluster-reports.ts';
import type { ClusterState } from './cluster-state.ts';
import { Link } from './link.ts';
import { MergedStore } from './merged-store.ts';
import { Merger, type MergerEvents } from './merger.ts';
import { clusterMetrics } from './metrics.ts';
import { connectionOptions, type JetStream, leaseMs, openJetStream, refusalOf } from './nats.ts';
import type { NodeState } from './node-list.ts';
import type { ClusterOptions, ClusterParts } from './options.ts';
import { Backoff, type Part, Problems, pause } from './problems.ts';
import { PublishingNode } from './publishing-node.ts';
import type { HourProof } from './puller.ts';

/** Several times within a lease, so that one answer that is lost does not cost the name. */
const turnEveryMs = leaseMs / 4;
const [retryAfterMs, mostRetryAfterMs] = [500, 4_000];
/** How long a stop waits for NATS; what is not published then is at the next start. */
const drainWithinMs = 2_000;

const notReached = 'NATS was not reached yet';

const cannotPublish = { publisher: 'cannot publish', reports: 'cannot publish the reports' };

export class Cluster {
  readonly #settings: ClusterOptions;
  readonly #log: Log;
  readonly #link: Link;
  readonly #node: PublishingNode | undefined;
  readonly #merger: Merger | undefined;
  readonly #reports: ClusterReports | undefined;
  readonly #mergedStore: MergedStore | undefined;
  readonly #retention: Retention | undefined;
  readonly #problems: Problems;
  readonly #stopping = new AbortController();
  #jetStream: JetStream | undefined;
  #nudge: AbortController = new AbortController();
  /** Whether it ever could do its part. */
  #joined = false;
  #running: Promise<unknown> = Promise.resolve();
  #turning: Promise<void> = Promise.resolve();

  private constructor(
    parts: ClusterParts,
    options: Awaited<ReturnType<typeof connectionOptions>>,
    mergedStore: MergedStore | undefined,
  ) {
    const { settings, coordinator, clock, log } = parts;
    this.#settings = settings;
    this.#log = log;
    this.#problems = new Problems(log);
    const subjects = subjectsOf(settings);
    this.#link = new Link(options, subjects, {
      failed: (what, error) => this.#fail('connection', what, error),
      connected: (server) => {
        log.info({ server }, 'connected to NATS');
        this.#connected(false);
      },
      reconnected: () => {
        this.#connected(true);
        this.#merger?.halt();
        this.#nudge.abort();
      },
    });
    if (settings.role !== 'merge')
      this.#node = new PublishingNode(parts, this.#link, {
        failed: (kind, error) => this.#fail(kind, cannotPublish[kind], error),
        recovered: (kind) => this.#problems.end(kind),
      });
    if (mergedStore !== undefined) {
      this.#mergedStore = mergedStore;
      mergedStore.countClockSteps(() => coordinator.state().clockSteps);
      this.#merger = new Merger({
        store: mergedStore,
        clock,
        silentAfterMs: settings.silentAfter,
        subjects,
        request: (group, node, bytes) => this.#link.request(group, node, bytes),
        events: mergerEvents(log),
      });
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
    return {
      role,
      stream,
      server: this.#link.server,
      problem: this.#problems.current ?? (this.#joined ? undefined : notReached),
      publisher: this.#node?.state,
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

  /** All rows of this merger; to be closed. Undefined if the server adds up none. */
  async backup(): Promise<StoreSnapshot | undefined> {
    return this.#merger?.backup();
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
      await this.#node?.stop(drainWithinMs);
      await this.#link.close();
    };
    await Promise.race([goodbye().catch(() => undefined), wait(drainWithinMs)]);
    this.#sayWhatIsLeft();
    await this.#merger?.stop();
    await Promise.race([this.#running, wait(drainWithinMs)]);
    await this.#link.close().catch(() => undefined);
    await this.#mergedStore?.close();
  }

  /** The folder of a server that is gone for good takes with it what was not published. */
  #sayWhatIsLeft(): void {
    const { secondsPending: seconds = 0, reports: rows } = this.#node?.state ?? {};
    const reports = rows?.pending === true;
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
    if (this.#link.server !== undefined && this.#joined) return;
    throw new Reto3Error('RETO3_NATS_AWAY', 'cannot ask the nodes: not connected to NATS');
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const connection = await this.#link.open(newBackoff(), signal);
    if (connection === undefined) return;
    if (signal.aborted) return connection.close();
    const merger = this.#merger;
    if (merger !== undefined)
      this.#link.onTold((group, node, bytes) => merger.takePast(group, node, bytes));
    this.#node?.listen();
    await Promise.all([this.#keepTurning(connection), this.#keepMerging(), merger?.pull(signal)]);
  }

  /** What waits for NATS need not wait any longer. @param again it was connected before */
  #connected(again: boolean): void {
    this.#problems.end('access');
    this.#problems.end('connection');
    this.#node?.connected(again);
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
      await pause(pauseMs, AbortSignal.any([this.#stopping.signal, this.#nudge.signal]));
    }
  }

  async #turn(connection: NatsConnection): Promise<void> {
    const first = this.#jetStream === undefined;
    const jetStream = this.#jetStream ?? (await this.#open(connection));
    // As long as NATS does not take messages, the stream may be gone.
    const opened =
      first || this.#problems.current === undefined ? undefined : this.#open(connection);
    // Beside each other: where the stream cannot be looked at, the name must still not be lost.
    const claiming = this.#node?.claimName(jetStream);
    const [claimed, looked] = await Promise.allSettled([claiming, opened]);
    if (looked.status === 'rejected') throw looked.reason;
    if (claimed.status === 'rejected') throw claimed.reason;
    if (claimed.value === undefined) this.#problems.end('name');
    else this.#problems.begin('name', claimed.value);
  }

  /** Finds stream and buckets, or makes them again. */
  async #open(connection: NatsConnection): Promise<JetStream> {
    const jetStream = await openJetStream(connection, this.#settings);
    if (this.#jetStream === undefined)
      for (const difference of jetStream.differences) this.#log.warn(difference);
    this.#jetStream = jetStream;
    return jetStream;
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
      await pause(backoff.next(), this.#stopping.signal);
    }
  }

  #fail(part: Part, what: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const refusal = refusalOf(error);
    if (refusal !== undefined) this.#problems.begin('access', refusal);
    else this.#problems.begin(part, `${what}: ${messageOf(error)}`);
    this.#nudge.abort();
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

/** What the subjects of nodes begin with, by group. */
function subjectsOf({ natsGroup, natsSubject }: ClusterOptions): [string, ...string[]] {
  if (natsGroup === undefined) return [natsSubject];
  const [first, ...more] = natsGroup;
  return [first.subjects, ...more.map(({ subjects }) => subjects)];
}

function newBackoff(): Backoff {
  return new Backoff(retryAfterMs, mostRetryAfterMs);
}

function addsUpNone(): Reto3Error {
  return new Reto3Error('RETO3_NO_CLUSTER', 'this server does not add up a cluster');
}

/** Says in the log what happens to a merger. */
function mergerEvents(log: Log): MergerEvents {
  return {
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
  };
}
