/**
 * Aggregates: the parts that `combine` makes a report of. Each is a commutative monoid of its own, so
 * their combination is one (`checkLaws` holds each of them to it), with a compact form in bytes.
 */
import { VarintReader, VarintWriter } from '@reto3/core';
import type { Column } from '../columns.ts';
import type { Message, ReportDefinition, Value } from '../contract.ts';

/** The value of a message; undefined leaves the message out. */
export type ValueOf<T> = (message: Message) => T | undefined;

export interface Aggregate<Part> {
  /** By suffix of the column's name; `''` is the name that `combine` gives it. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Whatever decides the meaning of its bytes: kind, options and code. */
  readonly source: string;
  create(): Part;
  /** May change and return the part, or return a new one. */
  add(part: Part, message: Message): Part;
  /** May change and return the first, never the second nor a part of it. */
  merge(part: Part, other: Part): Part;
  /** A cell for each of `columns`. */
  cells(part: Part): Readonly<Record<string, Value>>;
  write(part: Part, writer: VarintWriter): void;
  read(reader: VarintReader): Part;
}

/** What `combine` fills in of a definition. */
export type Combined = Required<
  Pick<
    ReportDefinition<unknown[], string>,
    'columns' | 'create' | 'add' | 'merge' | 'rows' | 'encode' | 'decode' | 'source'
  >
>;

const nothing = new Uint8Array();

/**
 * Several aggregates as one row: `defineReport({ name, summary, needs, ...combine({ … }) })`. An
 * aggregate with one column gives it its own name, others add a suffix, such as `size_p99`.
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
  // A report of keys alone has nothing beside them, for each of a hundred keys.
  const isEmpty = all.length === 0;
  const noParts: unknown[] = [];
  return {
    columns: Object.fromEntries(
      named.flatMap(({ aggregate, columns }) =>
        columns.map(({ suffix, name }) => [name, aggregate.columns[suffix] ?? '']),
      ),
    ),
    source: JSON.stringify(all.map(({ source }) => source)),
    create: isEmpty ? () => noParts : () => all.map((aggregate) => aggregate.create()),
    add(parts, message) {
      // Not by `entries`, which allocates for each message.
      let index = 0;
      for (const aggregate of all) {
        parts[index] = aggregate.add(parts[index], message);
        index++;
      }
    },
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
  };
}
