/**
 * A server's connection to NATS: tried until a server lets it in, then watched; and what goes past
 * the stream over it. Those subjects have a word more than those of the stream.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { type connectionOptions, openConnection, refusalOf } from './nats.ts';
import { type Backoff, pause } from './problems.ts';

/** How long a node may take to answer a merger. */
const readWithinMs = 10_000;
/** What NATS takes where its server does not say. */
const usualPayloadBytes = 1 << 20;

export interface LinkEvents {
  failed(what: string, error: unknown): void;
  /** Each time, with the server that let it in. */
  connected(server: string): void;
  /** After it was connected before: another server may lead the stream now. */
  reconnected(): void;
}

export class Link {
  readonly #options: Awaited<ReturnType<typeof connectionOptions>>;
  readonly #subjects: readonly [string, ...string[]];
  readonly #events: LinkEvents;
  #connection: NatsConnection | undefined;

  /** @param subjects what the subjects of nodes begin with, by group; its own node is in the first */
  constructor(
    options: Awaited<ReturnType<typeof connectionOptions>>,
    subjects: readonly [string, ...string[]],
    events: LinkEvents,
  ) {
    this.#options = options;
    this.#subjects = subjects;
    this.#events = events;
  }

  /** Tries until NATS lets us in; undefined where it is aborted before that. */
  async open(backoff: Backoff, signal: AbortSignal): Promise<NatsConnection | undefined> {
    while (!signal.aborted) {
      try {
        this.#connection = await openConnection(this.#options);
        this.#events.connected(this.#connection.getServer());
        void this.#watch(this.#connection);
        return this.#connection;
      } catch (error) {
        this.#events.failed('cannot connect to NATS', error);
      }
      await pause(backoff.next(), signal);
    }
    return undefined;
  }

  /** The NATS server that it is connected to; undefined: none. */
  get server(): string | undefined {
    return this.#connection?.isClosed() === false ? this.#connection.getServer() : undefined;
  }

  /** How large a message may be. */
  get mostBytes(): number {
    return this.#connection?.info?.max_payload ?? usualPayloadBytes;
  }

  /** The subject of a node in the stream. */
  subjectOf(node: string): string {
    return `${this.#subjects[0]}.${node}`;
  }

  /** Tells mergers of seconds that are open, or that the stream refuses; it may be lost. */
  tell(node: string, bytes: Uint8Array): void {
    this.#connection?.publish(`${this.#subjects[0]}.open.${node}`, bytes);
  }

  /** Calls back with what each node tells past the stream, by its group. */
  onTold(told: (group: string, node: string, bytes: Uint8Array) => void): void {
    for (const group of this.#subjects)
      this.#connection?.subscribe(`${group}.open.*`, {
        callback: (_, { subject, data }) =>
          told(group, subject.slice(subject.lastIndexOf('.') + 1), data),
      });
  }

  /** Asks a node of a group; rejects where it does not answer. */
  async request(group: string, node: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#connection === undefined) throw new Error('not connected');
    const subject = `${group}.read.${node}`;
    return (await this.#connection.request(subject, bytes, { timeout: readWithinMs })).data;
  }

  /** Answers what mergers ask of a node; whoever has asked in vain asks again. */
  onRequest(node: string, answer: (bytes: Uint8Array) => Promise<Uint8Array>): void {
    this.#connection?.subscribe(`${this.#subjects[0]}.read.${node}`, {
      callback: (_, message) =>
        void answer(message.data).then(
          (bytes) => message.respond(bytes),
          () => undefined,
        ),
    });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#events.failed('NATS is away', 'the connection broke');
      if (status.type === 'error' && refusalOf(status.error) !== undefined)
        this.#events.failed('NATS refuses', status.error);
      if (status.type === 'reconnect') this.#events.reconnected();
    }
  }
}
