/**
 * A server as a node of the cluster: holds its name, finds out which boot it is, and publishes under
 * both.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { neverPublished } from '@reto3/engine';
import type { ReportLedgers } from '@reto3/reports';
import { nextBoot } from './boot.ts';
import type { Link } from './link.ts';
import type { JetStream } from './nats.ts';
import { NodeReads } from './node-reads.ts';
import type { NodeReport } from './node-report.ts';
import type { ClusterParts } from './options.ts';
import { Publisher, type PublisherEvents, type PublisherState } from './publisher.ts';
import { Register } from './register.ts';

export class PublishingNode {
  readonly #parts: ClusterParts;
  readonly #link: Link;
  readonly #publisher: Publisher;
  readonly #reads: NodeReads;
  #register: Register | undefined;

  constructor(
    parts: ClusterParts,
    link: Link,
    events: Pick<PublisherEvents, 'failed' | 'recovered'>,
  ) {
    this.#parts = parts;
    this.#link = link;
    const { settings, coordinator, ledgers, clock } = parts;
    this.#publisher = new Publisher({
      node: settings.node,
      source: coordinator,
      clock,
      published: coordinator.published ?? neverPublished,
      newestEnd: coordinator.endBefore,
      reports: {
        said: () => saidOf(ledgers),
        writtenThrough: (finalThrough) => ledgers.writtenThrough(finalThrough),
      },
      events: { ...events, ...leftOut(parts) },
    });
    this.#reads = new NodeReads({
      node: settings.node,
      stored: () => coordinator.stored(),
      keptFrom: (period) => coordinator.flusher.meta.deletedBefore[period],
      publisher: this.#publisher,
    });
    ledgers.onChanges((rows) => this.#publisher.writing(rows));
    coordinator.join(this.#publisher);
  }

  get state(): PublisherState {
    return this.#publisher.state;
  }

  /** Begins to answer mergers. */
  listen(): void {
    this.#link.onRequest(this.#parts.settings.node, (bytes) => this.#reads.answer(bytes));
  }

  /** NATS is back: what failed is tried at once. @param again it may have lost something */
  connected(again: boolean): void {
    if (again) this.#publisher.forgetTold();
    this.#publisher.retry();
  }

  /** Takes the name, or keeps it. Returns what stands in the way, if anything does. */
  async claimName(jetStream: JetStream): Promise<string | undefined> {
    const { node: name } = this.#parts.settings;
    this.#register ??= new Register(jetStream, name, {
      instance: randomUUID(),
      place: `${hostname()}:${this.#parts.dataDir}`,
    });
    const { node } = this.#publisher.published();
    if (node !== '' && node !== name)
      return `the counts in this folder were published as ${node}, and as ${name} they would count twice: start it with --node ${node}`;
    const claim = await this.#register.claim();
    if (!claim.granted) {
      this.#publisher.hold();
      return `another server publishes as ${name}: ${claim.holder}; give one of them another --node, this one waits`;
    }
    if (this.#publisher.isHeld) await this.#begin(jetStream, this.#register);
    return undefined;
  }

  /** Publishes what it can, says goodbye, and gives the name back. */
  async stop(withinMs: number): Promise<void> {
    await this.#publisher.stop(withinMs);
    await this.#register?.release();
  }

  async #begin({ client }: JetStream, register: Register): Promise<void> {
    const { coordinator, settings, clock, log } = this.#parts;
    const registered = await register.lastBoot();
    const next = nextBoot({
      before: this.#publisher.published(),
      registered,
      endBefore: coordinator.endBefore,
      startedAt: coordinator.state().startedAt,
      wallMs: clock.read().wallMs,
      gone: coordinator.gone.ms10,
    });
    this.#publisher.announce(next, registered);
    await coordinator.savePublished(this.#publisher.published());
    await register.recordBoot(next.boot);
    if (next.forked)
      log.warn(
        'this folder is not what was published last under this name: what it holds counts from now on',
      );
    const { node } = settings;
    const subject = this.#link.subjectOf(node);
    this.#publisher.begin({
      publish: async (bytes) => void (await client.publish(subject, bytes, { retries: 0 })),
      tell: (bytes) => this.#link.tell(node, bytes),
      mostBytes: this.#link.mostBytes,
    });
  }
}

/** What the cluster is told of the reports of a node. */
function saidOf(ledgers: ReportLedgers): NodeReport[] {
  return ledgers.facts().map(({ name, summary, periods, columns, code, since }) => ({
    ...{ name, summary, periods, columns, since, running: ledgers.isOn(name) },
    ...(code !== undefined && { code }),
  }));
}

/** Says in the log what is not published. */
function leftOut({ log }: ClusterParts): Omit<PublisherEvents, 'failed' | 'recovered'> {
  const warned = new Set<string>();
  let toldOfCoarse = false;
  return {
    damagedCounts: (from) =>
      log.warn({ from }, 'a damaged part of the store was not published to the cluster'),
    coarseCounts: (from) => {
      if (toldOfCoarse) return;
      toldOfCoarse = true;
      log.warn(
        { from },
        'counts of a log whose clock ticks in seconds are not published: the cluster adds up 10 ms',
      );
    },
    damaged: (row, reason) =>
      log.warn(row, `a damaged row of a report was not published to the cluster: ${reason}`),
    tooLarge: (window, bytes) => {
      if (warned.has(window.report)) return;
      warned.add(window.report);
      const what = `an accumulator of the report ${window.report} has ${bytes} bytes`;
      log.warn(window, `${what}, more than NATS takes: the cluster does without such ones`);
    },
  };
}
