/**
 * Aggregates, the building blocks of `combine`. Each is a commutative monoid with a compact form in
 * bytes, so any combination of them is a report that keeps the laws.
 */
import { VarintReader, VarintWriter } from '@reto3/core';
import type { Column } from '../columns.ts';
import type { Message, ReportDefinition, Value } from '../contract.ts';

/** Takes the value from a message; undefined leaves the message out. */
export type ValueOf<T> = (message: Message) => T | undefined;

/** One aggregate; `Part` is its part of the accumulator. */
export interface Aggregate<Part> {
  /** Suffix → column. The suffix `''` stands for the name that `combine` gives the aggregate. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Text that identifies the meaning of its bytes: kind, options and code. */
  readonly source: string;
  create(): Part;
  /** May change and return the part, or return a new one. */
  add(part: Part, message: Message): Part;
  /** May change and return the first, or return a new one; must not change the second. */
  merge(part: Part, other: Part): Part;
  /** A cell for each of `columns`, by suffix. */
  cells(part: Part): Readonly<Record<string, Value>>;
  /** Writes the part; `read` must consume exactly these bytes. */
  write(part: Part, writer: VarintWriter): void;
  read(reader: VarintReader): Part;
  /**
   * Whether the part is a correct result for these messages, of an aggregate with a stated error
   * whose parts depend on their order.
   */
  agrees?(part: Part, messages: readonly Message[]): boolean;
}

/** The fields of a definition that `combine` fills in. */
export type Combined = Required<
  Pick<
    ReportDefinition<unknown[], string>,
    'columns' | 'create' | 'add' | 'merge' | 'rows' | 'encode' | 'decode' | 'source'
  >
> &
  Pick<ReportDefinition<unknown[], string>, 'agrees'>;

const nothing = new Uint8Array();

/**
 * A report whose row has the columns of several aggregates, by the names given here:
 * `defineReport({ name, summary, needs, ...combine({ requests: count(), size: quantiles(sizeOf) })
 * })`. A single column has the name of its aggregate; several add a suffix, such as `size_p99`.
 * With `key`, each key has such a row.
 */
export function combine(aggregates: Readonly<Record<string, Aggregate<unknown>>>): Combined {
  const named = Object.entries(aggregates).map(([name, aggregate]) => ({
    aggregate,
    columns: Object.keys(aggregate.columns).map((suffix) => ({
      suffix,
      name: suffix === '' ? name : `${name}_${suffix}`,
    })),
  }));
  const all = named.map(({ aggregate }) => aggregate);
  // A report of keys alone needs no memory and no bytes for each key.
  const isEmpty = all.length === 0;
  const noParts: unknown[] = [];
  const create = isEmpty ? () => noParts : () => all.map((aggregate) => aggregate.create());
  const add = (parts: unknown[], message: Message): void => {
    // Without `entries`, which would allocate for each message.
    let index = 0;
    for (const aggregate of all) {
      parts[index] = aggregate.add(parts[index], message);
      index++;
    }
  };
  return {
    columns: Object.fromEntries(
      named.flatMap(({ aggregate, columns }) =>
        columns.map(({ suffix, name }) => [name, aggregate.columns[suffix] ?? '']),
      ),
    ),
    source: JSON.stringify(all.map(({ source }) => source)),
    create,
    add,
    merge(parts, others) {
      for (const [index, aggregate] of all.entries())
        parts[index] = aggregate.merge(parts[index], others[index]);
      return parts;
    },
    rows: (parts) => [
      Object.fromEntries(
        named.flatMap(({ aggregate, columns }, index) => {
          const cells = aggregate.cells(parts[index]);
          return columns.map(({ suffix, name }) => [name, cells[suffix] ?? null]);
        }),
      ),
    ],
    encode(parts) {
      if (isEmpty) return nothing;
      const writer = new VarintWriter();
      for (const [index, aggregate] of all.entries()) aggregate.write(parts[index], writer);
      return writer.end();
    },
    decode(bytes) {
      if (isEmpty) return noParts;
      const reader = new VarintReader(bytes);
      return all.map((aggregate) => aggregate.read(reader));
    },
    ...(all.some(({ agrees }) => agrees !== undefined) && { agrees }),
  };

  function agrees(parts: readonly unknown[], messages: readonly Message[]): boolean {
    const wanted = create();
    for (const message of messages) add(wanted, message);
    return all.every(
      (aggregate, index) =>
        aggregate.agrees?.(parts[index], messages) ??
        bytesOf(aggregate, parts[index]).equals(bytesOf(aggregate, wanted[index])),
    );
  }
}

function bytesOf<Part>(aggregate: Aggregate<Part>, part: Part): Buffer {
  const writer = new VarintWriter();
  aggregate.write(part, writer);
  return Buffer.from(writer.end());
}
