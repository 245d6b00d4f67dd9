/**
 * Reads the stream, message by message, from behind the last one that was taken.
 *
 * The merger stores that place in the batch with the data, so an ordered consumer that starts behind
 * it is enough, without acknowledgements or a durable consumer.
 *
 * Invariant: a message is taken once, after everything that the stream still had before it. What the
 * stream no longer has is reported as a gap.
 */
import { DeliverPolicy } from '@nats-io/jetstream';
import type { Clock } from '@reto3/core';
import type { JetStream } from './nats.ts';

/** How many messages JetStream sends ahead. */
const messagesAhead = 1_000;
/** How often a stream without messages sends a heartbeat, and when a missing one ends the reading. */
const heartbeatMs = 1_000;
const silenceMs = 3_000;
const askForMoreMs = 5_000;

/** A place in a stream. */
export interface StreamPlace {
  /** When the stream was created, as JetStream says it, which identifies it. Empty: none yet. */
  readonly stream: string;
  /** Sequence number of the last message that was taken. */
  readonly position: number;
  /** The time of that message, epoch ms. */
  readonly positionTime: number;
}

export interface StreamEvents {
  /** The stream exists. @param still whether the last place is in it; undefined: there was none */
  found(still: boolean | undefined): void;
  /** Messages were deleted before they were read, or are withheld. */
  gap(): void;
  take(subject: string, data: Uint8Array): void;
  /** `place` is behind the message; the next one follows when this has resolved. */
  taken(): Promise<void>;
}

export class StreamReader {
  readonly #clock: Clock;
  readonly #events: StreamEvents;
  #place: StreamPlace;
  #consuming: { stop(): void } | undefined;
  /** The last message that the stream had when it was found; undefined: it was not found yet. */
  #foundEnd: number | undefined;

  /** @param place undefined: nothing was read yet */
  constructor(clock: Clock, place: StreamPlace | undefined, events: StreamEvents) {
    const { stream = '', position = 0, positionTime = 0 } = place ?? {};
    this.#clock = clock;
    this.#place = { stream, position, positionTime };
    this.#events = events;
  }

  get place(): StreamPlace {
    return this.#place;
  }

  /** Whether it still has to find the stream, or to read what it had then. */
  get isBehind(): boolean {
    return this.#place.position < (this.#foundEnd ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Reads the stream until `halt`, or until it cannot go on; then it may be called again.
   * @param reading called when it has begun
   */
  async run(jetStream: JetStream, stream: string, reading: () => void): Promise<void> {
    await this.#find(jetStream, stream);
    const consumer = await jetStream.reader.consumers.get(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#place.position + 1,
    });
    const messages = await consumer.consume({
      max_messages: messagesAhead,
      idle_heartbeat: heartbeatMs,
      expires: askForMoreMs,
      // The consumer is in the memory of one NATS server. When that is gone this ends, and is called
      // again.
      abort_on_missing_resource: true,
    });
    this.#consuming = messages;
    reading();
    let heardAt = this.#clock.read().monotonicMs;
    // The library usually makes a new consumer when the server of the old one is gone. But after one
    // of three servers was killed, it was seen to wait forever; it may look behind its place in a new
    // stream of the same name, which is not that long yet; and a consumer was seen that sent heartbeats
    // and none of the messages. While a message is being saved, though, this side takes none.
    let [withheldMs, taking] = [0, false];
    const watch = setInterval(() => {
      if (this.#clock.read().monotonicMs - heardAt > silenceMs) return messages.stop();
      this.#look(jetStream, stream).then(
        ({ still, more }) => {
          withheldMs = more && !taking ? withheldMs + heartbeatMs : 0;
          const isWithheld = withheldMs > silenceMs;
          // The nodes have those messages.
          if (isWithheld) this.#events.gap();
          if (!still || isWithheld) messages.stop();
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
        const { position: last } = this.#place;
        if (seq <= last) continue;
        taking = true;
        if (seq > last + 1 && last > 0) this.#events.gap();
        this.#events.take(subject, data);
        const positionTime = Number(timestampNanos / 1_000_000n);
        this.#place = { ...this.#place, position: seq, positionTime };
        await this.#events.taken();
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
    this.#consuming?.stop();
  }

  /** Starts from the beginning unless the place is in this stream. */
  async #find(jetStream: JetStream, stream: string): Promise<void> {
    const { created, still, end } = await this.#look(jetStream, stream);
    const position = still ? this.#place.position : 0;
    const wasKnown = this.#place.stream !== '';
    this.#place = { ...this.#place, stream: created, position };
    this.#foundEnd = end;
    this.#events.found(wasKnown ? still : undefined);
  }

  /**
   * `still`: whether the place is in the stream of that name. A stream that lost its newest messages
   * and got others since has other messages under the same numbers, so the time of the last message
   * must match too. `more`: whether there are messages behind it. `end`: the last one, or 0.
   */
  async #look({ manager: { streams } }: JetStream, stream: string) {
    const { position, positionTime, stream: before } = this.#place;
    const { created, state } = await streams.info(stream);
    const end = state.messages > 0 ? state.last_seq : 0;
    const found = { created, end, more: end > position };
    if (before !== created || state.last_seq < position) return { ...found, still: false };
    // The message was deleted by age.
    if (position < Math.max(state.first_seq, 1)) return { ...found, still: true };
    const message = await streams.getMessage(stream, { seq: position });
    return { ...found, still: message?.time.getTime() === positionTime };
  }
}
