/** A server as a node of the cluster: holds its name, determines its boot, and publishes under both. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Mistakes } from '@reto3/core';
import { neverPublished } from '@reto3/engine';
import { nextBoot } from './boot.ts';
import type { Link } from './link.ts';
import type { JetStream } from './nats.ts';
import { NodeReads } from './node-reads.ts';
import { nodeReportsOf } from './node-report.ts';
import type { ClusterParts } from './options.ts';
import { Publisher, type PublisherEvents, type PublisherState } from './publisher.ts';
import { Register } from './register.ts';

export class PublishingNode {
  readonly #parts: ClusterParts;
  readonly #link: Link;
  readonly #publisher: Publisher;
  readonly #reads: NodeReads;
  #register: Register | undefined;

  constructor(parts: ClusterParts, link: Link, events: PublisherEvents) {
    this.#parts = parts;
    this.#link = link;
    const { settings, coordinator, ledgers, clock, log } = parts;
    const { node } = settings;
    this.#publisher = new Publisher({
      ...{ node, clock, log, events },
      source: coordinator,
      published: coordinator.published ?? neverPublished,
      newestEnd: coordinator.endBefore,
      reports: {
        list: () => nodeReportsOf(ledgers),
        writtenThrough: (finalThrough) => ledgers.writtenThrough(finalThrough),
      },
    });
    const mistakes = new Mistakes(log);
    this.#reads = new NodeReads({
      node,
      keptFrom: (period) => coordinator.flusher.meta.deletedBefore[period],
      publisher: this.#publisher,
      onMistake: (error) => mistakes.add(error, 'cannot reply to a merger'),
    });
    ledgers.onChanges((rows) => this.#publisher.writing(rows));
    coordinator.join(this.#publisher);
  }

  get state(): PublisherState {
    return this.#publisher.state;
  }

  /** Begins to reply to mergers. */
  listen(): void {
    this.#link.onRequest(this.#parts.settings.node, (bytes) => this.#reads.answer(bytes));
  }

  /** See `Publisher`. */
  connected(): void {
    this.#publisher.connected();
  }

  /** Takes the name, or keeps it. Returns what prevents that, if anything does. */
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
    // Mergers ignore all but the last boot.
    if (claim.isSuperseded) this.#publisher.hold();
    if (this.#publisher.isHeld) await this.#begin(jetStream, this.#register);
    return undefined;
  }

  /** Publishes what it can, says goodbye, and releases the name. */
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
      deletedBefore: coordinator.flusher.meta.deletedBefore.ms10,
    });
    this.#publisher.announce(next, registered);
    await coordinator.savePublished(this.#publisher.published());
    await register.recordBoot(next.boot);
    if (next.forked)
      log.warn(
        'this folder is not the one published last under this name: from now on its counts replace those',
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
