/** A stream that anyone writes to: valid messages, and mutated ones with a valid checksum. */
import { crc32 } from 'node:zlib';
import { allocateWindows, ms10PerSecond, sec } from '@reto3/core';
import { pack } from '@reto3/engine';
import fc from 'fast-check';
import { encodeMessage, type NodeMessage } from '../message.ts';
import type { JetStream } from '../nats.ts';
import { encodeReportMessage, type ReportMessage } from '../report-message.ts';
import { packSecond } from '../second.ts';

export const startMs = Date.UTC(2016, 4, 28, 11, 11, 30);
export const stream = 'RETO3_WINDOWS';
export const prefix = 'reto3.windows';
export const year3000 = Date.UTC(3000, 0);

/** `name`: the last word of the subject. */
export interface Sent {
  readonly name: string;
  readonly data: Uint8Array;
  readonly subject?: string;
}

/** A stream that delivers a list and ends. */
export class ListedStream {
  /** Another time is another stream. */
  created = 'monday';
  #last = 0;
  #next: (Sent & { readonly seq: number })[] = [];

  add(sent: readonly Sent[]): void {
    for (const each of sent) this.#next.push({ ...each, seq: ++this.#last });
  }

  /** Deletes a message before it is read. */
  lose(): void {
    this.#last++;
  }

  get jetStream(): JetStream {
    const info = async () => ({
      created: this.created,
      state: { messages: this.#last, first_seq: 1, last_seq: this.#last },
    });
    const getMessage = async () => ({ time: new Date(startMs) });
    const consume = async () => {
      const next = this.#next;
      this.#next = [];
      return {
        stop: () => undefined,
        status: async function* () {},
        async *[Symbol.asyncIterator]() {
          for (const { seq, name, data, subject = `${prefix}.${name}` } of next)
            yield { seq, subject, data, timestampNanos: BigInt(startMs) * 1_000_000n };
        },
      };
    };
    return {
      manager: { streams: { info, getMessage } },
      reader: { consumers: { get: async () => ({ consume }) } },
    } as unknown as JetStream;
  }
}

/** A published second of which every window has this count. */
export function secondOf(count: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1);
  windows.counts.fill(count);
  return packSecond(windows);
}

/** A node's message at `startMs`, with 100 messages in the second before. */
export function counts(name: string, changes: Partial<NodeMessage> = {}): Sent {
  const message: NodeMessage = {
    boot: startMs - 60_000,
    revision: 7,
    vouchedFrom: startMs - 60_000,
    mark: startMs,
    clock: startMs,
    leaving: false,
    seconds: [{ start: startMs - sec.windowMs, packed: secondOf(1) }],
    ...changes,
  };
  return { name, data: encodeMessage(message, name) };
}

const said = {
  name: 'paths',
  summary: 'Messages by path',
  periods: ['sec' as const],
  columns: { path: 'the path' },
  running: true,
  since: startMs - 60_000,
};

export function reports(name: string, changes: Partial<ReportMessage> = {}): Sent {
  const message: ReportMessage = {
    boot: startMs - 60_000,
    revision: 7,
    lineage: startMs - 60_000,
    voids: 0,
    marks: { ms10: startMs, sec: startMs, min: startMs },
    reports: [said],
    windows: [windowAt(startMs - sec.windowMs)],
    ...changes,
  };
  return { name, data: encodeReportMessage(message, name) };
}

export function windowAt(start: number) {
  const rest = { bytes: Buffer.from('{}'), tooLarge: 0, partial: false };
  return { report: 'paths', period: 'sec' as const, start, ...rest };
}

/** With the node's checksum, which anyone can compute. */
function sealed(data: Uint8Array, name: string): Uint8Array {
  const bytes = Buffer.from(data);
  const end = bytes.length - 4;
  if (end > 0) bytes.writeUInt32LE(crc32(bytes.subarray(0, end), crc32(name)), end);
  return bytes;
}

const extreme = fc.constantFrom(
  0n,
  1n,
  BigInt(startMs),
  BigInt(startMs - 1_000),
  BigInt(startMs + 61_000),
  BigInt(year3000),
  2n ** 48n,
  2n ** 53n - 1n,
  2n ** 60n,
  2n ** 64n - 1n,
);

/**
 * Valid messages of each kind, with changes and perhaps a valid checksum. Of many nodes, since after a
 * far later boot nothing else of a node counts.
 */
export const mutated: fc.Arbitrary<Sent> = fc
  .record({
    kind: fc.constantFrom('counts', 'many', 'leaving', 'reports', 'plain reports'),
    name: fc.oneof(
      { weight: 9, arbitrary: fc.nat({ max: 19 }).map((index) => `b${index}`) },
      { weight: 1, arbitrary: fc.string({ maxLength: 70 }) },
    ),
    changes: fc.array(
      fc.record({
        at: fc.nat(),
        how: fc.constantFrom('flip', 'field', 'cut', 'grow', 'none'),
        value: extreme,
      }),
      { maxLength: 3 },
    ),
    seals: fc.boolean(),
  })
  .map(({ kind, name, changes, seals }) => {
    const seconds = Array.from({ length: kind === 'many' ? 5 : 1 }, (_, index) => ({
      start: startMs - (5 - index) * sec.windowMs,
      packed: secondOf(index * 300),
    }));
    const isReport = kind.endsWith('reports');
    let data = isReport
      ? reports(name).data
      : counts(name, { seconds, leaving: kind === 'leaving' }).data;
    // Deflated messages are changed before they are packed, or nothing could be read.
    const plain = kind === 'plain reports' ? data.subarray(2, -4) : data;
    let bytes = Buffer.from(plain);
    for (const { at, how, value } of changes) {
      const place = at % (bytes.length + 1);
      if (how === 'flip' && place < bytes.length)
        bytes[place] = (bytes[place] ?? 0) ^ (1 << (at & 7));
      if (how === 'cut') bytes = bytes.subarray(0, place);
      if (how === 'grow') bytes = Buffer.concat([bytes, Buffer.alloc(1 + (at % 20), at & 255)]);
      const field = 4 + 8 * (at % 6);
      if (how === 'field' && field + 8 <= bytes.length) bytes.writeBigUInt64LE(value, field);
    }
    data = kind === 'plain reports' ? pack(2, bytes, Buffer.from(name)) : bytes;
    return { name, data: seals ? sealed(data, name) : data };
  });
