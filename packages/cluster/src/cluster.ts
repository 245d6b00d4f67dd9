/**
 * A server's part in the cluster: keeps the connection to NATS and the stream, and runs its node and
 * its merger over them. Loaded only with --nats.
 *
 * NATS may fail at any time, for any length. Then this retries, and the rest of the server does not
 * notice.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Log, type MetricSource, messageOf, Reto3Error } from '@reto3/core';
import { Retention, type StoreSnapshot } from '@reto3/engine';
import { ClusterReports } from './cluster-reports.ts';
import type { ClusterState } from './cluster-state.ts';
import { Link } from './link.ts';
import { MergedStore } from './merged-store.ts';
import { Merger } from './merger.ts';
import { clusterMetrics } from './metrics.ts';
import { connectionOptions, type JetStream, leaseMs, openJetStream, refusalOf } from './nats.ts';
import type { ClusterOptions, ClusterParts } from './options.ts';
import { Backoff, type Part, Problems, pause } from './problems.ts';
import { PublishingNode } from './publishing-node.ts';

/** Several times within a lease, so that one lost reply does not lose the name. */
const checkEveryMs = leaseMs / 4;
const [retryAfterMs, mostRetryAfterMs] = [500, 4_000];
/** How long a stop waits for NATS; the next start publishes the rest. */
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
  /** Ends the pause between two checks. */
  #nudge: AbortController = new AbortController();
  /** Whether a check ever succeeded. */
  #joined = false;
  #running: Promise<unknown> = Promise.resolve();
  #checking: Promise<void> = Promise.resolve();

  private constructor(
    parts: ClusterParts,
    options: Awaited<ReturnType<typeof connectionOptions>>,
    mergedStore: MergedStore | undefined,
  ) {
    const { settings, clock, log } = parts;
    this.#settings = settings;
    this.#log = log;
    this.#problems = new Problems(log);
    const subjects = subjectsOf(settings);
    this.#link = new Link(options, subjects, {
      failed: (what, error) => this.#fail('connection', what, error),
      connected: (server) => {
        log.info({ server }, 'connected to NATS');
        this.#connected();
      },
      reconnected: () => {
        this.#connected();
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
      this.#merger = new Merger({
        store: mergedStore,
        ...{ clock, log, subjects },
        silentAfterMs: settings.silentAfter,
        request: (group, node, bytes) => this.#link.request(group, node, bytes),
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
   * Opens what it needs. It publishes and merges nothing before `begin`.
   * @throws Reto3Error RETO3_BAD_SETTING; if the merger's folder cannot be opened
   */
  static async open(parts: ClusterParts): Promise<Cluster> {
    const settings = withNameOfFolder(parts);
    const options = await connectionOptions(settings);
    const merges = parts.settings.role !== 'ingest';
    const { dataDir, clock } = parts;
    const store = merges ? await MergedStore.open(dataDir, clock) : undefined;
    const cluster = new Cluster({ ...parts, settings }, options, store);
    if (settings.node !== parts.settings.node)
      parts.log.info({ node: settings.node }, 'publishing under the name that this folder has');
    return cluster;
  }

  /** Call it once the server counts. Does not wait for NATS. */
  begin(): void {
    this.#retention?.start();
    this.#running = this.#run();
  }

  /** Whether this server adds up the cluster. */
  get addsUp(): boolean {
    return this.#merger !== undefined;
  }

  /** What adds up the nodes. @throws Reto3Error RETO3_NO_CLUSTER */
  get merger(): Merger {
    if (this.#merger !== undefined) return this.#merger;
    throw addsUpNone();
  }

  /** The same, if it can ask the nodes. @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NATS_AWAY */
  get connectedMerger(): Merger {
    const { merger } = this;
    if (this.#link.server !== undefined && this.#joined) return merger;
    throw new Reto3Error('RETO3_NATS_AWAY', 'cannot ask the nodes: not connected to NATS');
  }

  /** The reports of all nodes. @throws Reto3Error RETO3_NO_CLUSTER */
  get reports(): ClusterReports {
    if (this.#reports !== undefined) return this.#reports;
    throw addsUpNone();
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

  /** All rows of this merger; to be closed. Undefined if the server does not add up a cluster. */
  async backup(): Promise<StoreSnapshot | undefined> {
    return this.#merger?.backup();
  }

  /** What this merger may still lack; undefined: nothing. */
  get lack(): string | undefined {
    return this.#merger?.lack;
  }

  /** The name under which this server publishes. */
  get node(): string {
    return this.#settings.node;
  }

  /** Publishes what it can in two seconds, says goodbye, saves, and closes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retention?.stop();
    const goodbye = async (): Promise<void> => {
      // A server that just started may be about to begin; then it can publish its counts.
      await this.#checking.catch(() => undefined);
      await this.#node?.stop(drainWithinMs);
      await this.#link.close();
    };
    await Promise.race([goodbye().catch(() => undefined), wait(drainWithinMs)]);
    this.#warnOfUnpublished();
    await this.#merger?.stop();
    await Promise.race([this.#running, wait(drainWithinMs)]);
    await this.#link.close().catch(() => undefined);
    await this.#mergedStore?.close();
  }

  /** If the server does not start again, those counts are missing in the cluster. */
  #warnOfUnpublished(): void {
    const { secondsPending: seconds = 0, reports: rows } = this.#node?.state ?? {};
    const reports = rows?.pending === true;
    if (seconds === 0 && !reports) return;
    const what = `${seconds} s of counts${reports ? ' and some rows of reports' : ''}`;
    this.#log.warn(
      { secondsPending: seconds },
      `stopped with ${what} that did not reach the cluster; the next start on this folder publishes them`,
    );
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
    await Promise.all([this.#keepChecking(connection), this.#keepMerging(), merger?.pull(signal)]);
  }

  /** Ends all waiting for NATS. */
  #connected(): void {
    this.#problems.end('access');
    this.#problems.end('connection');
    this.#node?.connected();
  }

  /** Checks again and again that the stream exists and this server has its name. */
  async #keepChecking(connection: NatsConnection): Promise<void> {
    const backoff = newBackoff();
    while (!this.#stopping.signal.aborted) {
      this.#nudge = new AbortController();
      let pauseMs = checkEveryMs;
      try {
        this.#checking = this.#check(connection);
        await this.#checking;
        this.#problems.end('register');
        this.#joined = true;
        backoff.reset();
      } catch (error) {
        this.#fail('register', 'cannot use NATS', error);
        this.#nudge = new AbortController();
        // It goes on publishing: while the register is away, no other server can take the name.
        pauseMs = backoff.next();
      }
      await pause(pauseMs, AbortSignal.any([this.#stopping.signal, this.#nudge.signal]));
    }
  }

  async #check(connection: NatsConnection): Promise<void> {
    const first = this.#jetStream === undefined;
    const jetStream = this.#jetStream ?? (await this.#open(connection));
    // If anything fails, the stream may be gone.
    const opened =
      first || this.#problems.current === undefined ? undefined : this.#open(connection);
    // At once, so that the name is not lost while the stream cannot be checked.
    const claiming = this.#node?.claimName(jetStream);
    const [claimed, looked] = await Promise.allSettled([claiming, opened]);
    if (looked.status === 'rejected') throw looked.reason;
    if (claimed.status === 'rejected') throw claimed.reason;
    if (claimed.value === undefined) this.#problems.end('name');
    else this.#problems.begin('name', claimed.value);
  }

  /** Finds or creates the stream and the buckets. */
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
    else this.#problems.begin(part, `${what}: ${messageOf(error)}${codeIn(error)}`);
    this.#nudge.abort();
  }
}

/** Without a name of its choice, a server keeps that of its folder, even in a new container. */
function withNameOfFolder({ settings, coordinator }: ClusterParts): ClusterOptions {
  const node = coordinator.published?.node ?? '';
  return node === '' || settings.node !== settings.usualNode ? settings : { ...settings, node };
}

/** The prefix of the nodes' subjects, by group. */
function subjectsOf({ natsGroup, natsSubject }: ClusterOptions): [string, ...string[]] {
  if (natsGroup === undefined) return [natsSubject];
  const [first, ...more] = natsGroup;
  return [first.subjects, ...more.map(({ subjects }) => subjects)];
}

/** The code of an error that has one: docs/errors.md has its cure. */
function codeIn(error: unknown): string {
  return error instanceof Reto3Error ? ` [${error.code}]` : '';
}

function newBackoff(): Backoff {
  return new Backoff(retryAfterMs, mostRetryAfterMs);
}

function addsUpNone(): Reto3Error {
  return new Reto3Error('RETO3_NO_CLUSTER', 'this server does not add up a cluster');
}
