/**
 * Checks the laws of a report on random messages. If they hold, the accumulators of workers, nodes
 * and restarts may be merged in any order and grouping.
 */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@reto3/core';
import type { Arbitrary, default as FastCheck } from 'fast-check';
import { encodeBounded } from './accumulators.ts';
import { type Message, maxAccumulatorBytes, type Report } from './contract.ts';
import { newMessage, sampleTime } from './message.ts';
import { Needs } from './needs.ts';

export interface LawOptions {
  /** The messages to check with; by default those of the challenge's load, and others. */
  readonly messages?: Arbitrary<Message>;
  /** How often each law is tried; 200 by default. */
  readonly runs?: number;
  /**
   * The size limit: so many messages that differ in every field must fit into so many bytes. By
   * default 10,000 messages and 65,536 bytes.
   */
  readonly size?: { readonly messages: number; readonly bytes: number };
}

/**
 * Checks the laws of a report, in any test runner or none: the order of messages and of merging
 * does not matter, `create` is the identity, `decode` the inverse of `encode`, rows fit the
 * columns, and many different messages stay small.
 * @param fc the default export of the module fast-check
 * @throws Error that names the broken law and the messages that break it
 */
export function checkLaws<Accumulator>(
  report: Report<Accumulator>,
  fc: typeof FastCheck,
  options: LawOptions = {},
): void {
  const { messages = anyMessage(fc), runs = 200, size = usualSize } = options;
  const list = fc.array(messages, { maxLength: 40 });
  for (const [law, holds] of Object.entries(lawsOf(report))) {
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

type Law = (a: readonly Message[], b: readonly Message[], c: readonly Message[]) => boolean;
type Same<Accumulator> = (got: Accumulator, want: Accumulator, of: readonly Message[]) => boolean;

/** The laws, by name; each takes three lists of messages. */
function lawsOf<Accumulator>(report: Report<Accumulator>): Readonly<Record<string, Law>> {
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

  return {
    'decode is the inverse of encode': (a) => equal(copy(of(a)), of(a), a),
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
        ...{ arrivedMs: sampleTime + number, method: `M${number}`, query: `q=${number}` },
        ...{ path: `/path/${number}`, host: `host-${number}.example`, durationMs: number },
        client: [10, number >> 16, (number >> 8) & 255, number & 255].join('.'),
        headers: Object.fromEntries(values),
        body: Buffer.from(`value=${number}`),
      }),
    );
  }
  const got = report.encode(accumulator, bytes).length;
  if (got > bytes)
    throw new Error(
      `report "${report.name}" breaks a law: ${messages} different messages make at most ${bytes} bytes. Got ${got}`,
    );
}

function isValue(value: unknown): boolean {
  return value === null || typeof value === 'string' || Number.isFinite(value);
}

const usualSize = { messages: 10_000, bytes: maxAccumulatorBytes };

function anyMessage(fc: typeof FastCheck): Arbitrary<Message> {
  const stamp = fc.integer({ min: -5_000, max: 5_000 }).map((ms) => {
    const time = new Date(sampleTime + ms).toISOString();
    return `value=${time.replace('T', ' ').replace('Z', '')}000`;
  });
  const body = fc
    .oneof(stamp, stamp, stamp.map(encodeURI), fc.string(), fc.constant(''))
    .map((text) => Buffer.from(text));
  const path = fc.oneof(fc.constantFrom('/', '/a', '/b/c'), fc.webPath());
  return fc
    .record({
      arrivedMs: fc.integer({ min: sampleTime - 5_000, max: sampleTime + 5_000 }),
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
