/**
 * A server's connection to NATS, which it tries until a NATS server accepts it, and the messages that
 * bypass the stream. Their subjects have one more word than those of the stream.
 */
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { type connectionOptions, openConnection, refusalOf } from './nats.ts';
import { type Backoff, pause } from './problems.ts';

/** How long a node may take to reply. */
const readWithinMs = 10_000;
/** The limit if the NATS server does not say. */
const usualPayloadBytes = 1 << 20;

export interface LinkEvents {
  failed(what: string, error: unknown): void;
  /** Each time, with the NATS server. */
  connected(server: string): void;
  /** The connection was lost and is back: another server may lead the stream now. */
  reconnected(): void;
}

export class Link {
  readonly #options: Awaited<ReturnType<typeof connectionOptions>>;
  readonly #subjects: readonly [string, ...string[]];
  readonly #events: LinkEvents;
  #connection: NatsConnection | undefined;
  /** Subscribes to what NATS forbade, once it has connected again. */
  readonly #forbidden: (() => void)[] = [];

  /** @param subjects prefix of the nodes' subjects, by group; this node is in the first */
  constructor(
    options: Awaited<ReturnType<typeof connectionOptions>>,
    subjects: readonly [string, ...string[]],
    events: LinkEvents,
  ) {
    this.#options = options;
    this.#subjects = subjects;
    this.#events = events;
  }

  /** Tries until NATS accepts it; undefined if it is aborted first. */
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

  /** The NATS server that it is connected to, if any. */
  get server(): string | undefined {
    return this.#connection?.isClosed() === false ? this.#connection.getServer() : undefined;
  }

  /** The largest message that NATS takes. */
  get mostBytes(): number {
    return this.#connection?.info?.max_payload ?? usualPayloadBytes;
  }

  /** The subject of a node in the stream. */
  subjectOf(node: string): string {
    return `${this.#subjects[0]}.${node}`;
  }

  /** Sends mergers seconds that are open, or that the stream refuses; they may be lost. */
  tell(node: string, bytes: Uint8Array): void {
    this.#connection?.publish(`${this.#subjects[0]}.open.${node}`, bytes);
  }

  /** Listens for the messages of nodes that bypass the stream. */
  onTold(told: (group: string, node: string, bytes: Uint8Array) => void): void {
    for (const group of this.#subjects)
      this.#subscribe(`${group}.open.*`, ({ subject, data }) =>
        told(group, subject.slice(subject.lastIndexOf('.') + 1), data),
      );
  }

  /** Sends a request to a node of a group; rejects if there is no reply. */
  async request(group: string, node: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#connection === undefined) throw new Error('not connected');
    const subject = `${group}.read.${node}`;
    return (await this.#connection.request(subject, bytes, { timeout: readWithinMs })).data;
  }

  /** Replies to the requests of mergers. Without a reply, a merger asks again. */
  onRequest(node: string, answer: (bytes: Uint8Array) => Promise<Uint8Array>): void {
    this.#subscribe(`${this.#subjects[0]}.read.${node}`, (message) => {
      // A reply may also be larger than NATS takes.
      void answer(message.data)
        .then((bytes) => message.respond(bytes))
        .catch(() => undefined);
    });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  /** The library stops reading from NATS if `take` throws. */
  #subscribe(subject: string, take: (message: Msg) => void): void {
    this.#connection?.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) return take(message);
        this.#events.failed(`NATS does not let this server subscribe to ${subject}`, error);
        this.#forbidden.push(() => this.#subscribe(subject, take));
      },
    });
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#events.failed('NATS is away', 'the connection broke');
      if (status.type === 'error' && refusalOf(status.error) !== undefined)
        this.#events.failed('NATS refuses', status.error);
      if (status.type !== 'reconnect') continue;
      this.#events.reconnected();
      for (const subscribe of this.#forbidden.splice(0)) subscribe();
    }
  }
}
