/**
 * Checks the laws of a report on random messages. If they hold, workers, nodes and restarts may split
 * the messages into parts that are merged in any order.
 */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@reto3/core';
import type { Arbitrary, default as FastCheck } from 'fast-check';
import { encodeBounded } from './accumulators.ts';
import { type Message, maxAccumulatorBytes, type Report } from './contract.ts';
import { newMessage } from './message.ts';
import { Needs } from './needs.ts';

export interface LawOptions {
  /** Messages to check with; by default those of the challenge's load, and others. */
  readonly messages?: Arbitrary<Message>;
  /** How often to try each law; by default 200. */
  readonly runs?: number;
  /** Messages that differ in every field, and the bytes that they may make; 10,000 and 64 KiB. */
  readonly size?: { readonly messages: number; readonly bytes: number };
}

type Same<Accumulator> = (got: Accumulator, want: Accumulator, of: readonly Message[]) => boolean;

/**
 * Checks the laws of a report, in any test runner or none.
 * @param fc the module fast-check
 * @throws Error that names the broken law and the messages that break it
 */
export function checkLaws<Accumulator>(
  report: Report<Accumulator>,
  fc: typeof FastCheck,
  options: LawOptions = {},
): void {
  const { messages = anyMessage(fc), runs = 200, size = usualSize } = options;
  const of = (all: readonly Message[]): Accumulator => {
    const accumulator = report.create();
    for (const message of all) report.add(accumulator, message);
    return accumulator;
  };
  const copy = (accumulator: Accumulator): Accumulator =>
    report.decode(Uint8Array.from(encodeBounded(report, accumulator)));
  const merge = (a: Accumulator, b: Accumulator): Accumulator => report.merge(copy(a), copy(b));
  const equal: Same<Accumulator> = (got, want) =>
    isDeepStrictEqual(copy(got), copy(want)) &&
    isDeepStrictEqual(report.rows(got), report.rows(want));
  const same: Same<Accumulator> = (got, want, all) =>
    report.agrees === undefined ? equal(got, want, all) : report.agrees(got, all);

  const list = fc.array(messages, { maxLength: 40 });
  type Law = (a: readonly Message[], b: readonly Message[], c: readonly Message[]) => boolean;
  const laws: Readonly<Record<string, Law>> = {
    'decode is the inverse of encode': (a) =>
      equal(copy(of(a)), of(a), a) &&
      isDeepStrictEqual(report.rows(copy(of(a))), report.rows(of(a))),
    'the order of messages does not matter': (a) => same(of(a), of(a.toReversed()), a),
    'create is the identity of merge': (a) =>
      equal(merge(report.create(), of(a)), of(a), a) &&
      equal(merge(of(a), report.create()), of(a), a),
    'merge is commutative': (a, b) => same(merge(of(a), of(b)), merge(of(b), of(a)), [...a, ...b]),
    'merge is associative': (a, b, c) =>
      same(merge(merge(of(a), of(b)), of(c)), merge(of(a), merge(of(b), of(c))), [
        ...a,
        ...b,
        ...c,
      ]),
    'merging parts equals adding all messages to one': (a, b) =>
      same(merge(of(a), of(b)), of([...a, ...b]), [...a, ...b]),
    'merge does not change its second argument': (a, b, c) => {
      const second = of(b);
      const merged = report.merge(of(a), second);
      if (Object.is(merged, second) && typeof second === 'object') return false;
      for (const message of c) report.add(merged, message);
      return equal(second, of(b), b);
    },
    'rows have a number, a string or null in each column, and no other columns': (a) =>
      report.rows(of(a)).every((row) => {
        const cells = Object.entries(row);
        const columns = Object.keys(report.columns);
        return (
          cells.length === columns.length &&
          cells.every(([name, value]) => columns.includes(name) && isValue(value))
        );
      }),
  };
  for (const [law, holds] of Object.entries(laws)) {
    try {
      fc.assert(fc.property(list, list, list, holds), { numRuns: runs });
    } catch (error) {
      throw new Error(`report "${report.name}" breaks a law: ${law}. ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  checkSize(report, size);
}

/** @throws Error if many different messages make an accumulator that is too large */
function checkSize(
  report: Report,
  { messages, bytes }: { readonly messages: number; readonly bytes: number },
): void {
  const { headers = [] } = new Needs([report.needs].flat());
  const accumulator = report.create();
  for (let number = 0; number < messages; number++) {
    const values = headers.map((name) => [name, `value ${number}`]);
    report.add(
      accumulator,
      newMessage({
        ...{ arrivedMs: arrivedAround + number, method: `M${number}`, query: `q=${number}` },
        ...{ path: `/path/${number}`, host: `host-${number}.example`, durationMs: number },
        client: [10, number >> 16, (number >> 8) & 255, number & 255].join('.'),
        headers: Object.fromEntries(values),
        body: Buffer.from(`value=${number}`),
      }),
    );
  }
  const made = report.encode(accumulator, bytes).length;
  if (made > bytes)
    throw new Error(
      `report "${report.name}" breaks a law: ${messages} different messages make at most ${bytes} bytes. Got ${made}`,
    );
}

function isValue(value: unknown): boolean {
  return value === null || typeof value === 'string' || Number.isFinite(value);
}

const usualSize = { messages: 10_000, bytes: maxAccumulatorBytes };

/** Any moment will do. */
const arrivedAround = Date.UTC(2016, 4, 28, 11, 11, 11);

function anyMessage(fc: typeof FastCheck): Arbitrary<Message> {
  const stamp = fc.integer({ min: -5_000, max: 5_000 }).map((ms) => {
    const time = new Date(arrivedAround + ms).toISOString();
    return `value=${time.replace('T', ' ').replace('Z', '')}000`;
  });
  const body = fc
    .oneof(stamp, stamp, stamp.map(encodeURI), fc.string(), fc.constant(''))
    .map((text) => Buffer.from(text));
  const path = fc.oneof(fc.constantFrom('/', '/a', '/b/c'), fc.webPath());
  return fc
    .record({
      arrivedMs: fc.integer({ min: arrivedAround - 5_000, max: arrivedAround + 5_000 }),
      worker: fc.nat({ max: 3 }),
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
      path,
      query: fc.webQueryParameters(),
      body,
      host: fc.constantFrom('', 'example.org', 'example.com:8080'),
      client: fc.ipV4(),
      headers: fc.record({ 'x-tenant': fc.constantFrom('a', 'b', undefined) }),
      status: fc.constantFrom(200, 404, 503, undefined),
      durationMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined }),
      source: fc.constantFrom(undefined, 'access.log'),
    })
    .map((message) => ({ ...message, bodyBytes: message.body.length }));
}
