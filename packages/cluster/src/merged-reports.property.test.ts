/**
 * Reports of a cluster under every delivery: messages of several nodes, boots and folders, in any
 * order, any number of times, saved and read again in between.
 */
import { type PeriodName, periods } from '@reto3/core';
import { defineReport, type Report, reportFingerprint } from '@reto3/reports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergedReports } from './merged-reports.ts';
import { BadMessage } from './message.ts';
import { decodeReportMessage, encodeReportMessage, type ReportMessage } from './report-message.ts';
import { ClusterReportView } from './report-view.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 10, 59);
const marks = { ms10: startMs, sec: startMs, min: startMs };

const sums = defineReport({
  name: 'sums',
  summary: 'A sum, and the largest',
  needs: 'head',
  periods: ['ms10', 'min'],
  columns: { sum: 'sum', most: 'largest' },
  create: () => ({ sum: 0, most: 0 }),
  add: () => undefined,
  merge: (a, b) => ({ sum: a.sum + b.sum, most: Math.max(a.most, b.most) }),
  rows: (one) => [one],
});
type Sums = ReturnType<typeof sums.create>;

interface Delivery {
  readonly node: string;
  readonly message: ReportMessage;
}

/** Windows by period and start. */
type Truth = Map<string, Sums>;

const windowIn = fc.record({
  period: fc.constantFrom<PeriodName>('ms10', 'min'),
  offset: fc.nat({ max: 250 }),
  add: fc.integer({ min: 1, max: 1_000 }),
});

/**
 * A node's store grows, is published, restarted, or replaced by an empty folder or an older copy.
 * `truths` is what its folders have together, without what a copy voids.
 */
const life = (node: string) =>
  fc
    .array(
      fc.record({
        windows: fc.array(windowIn, { maxLength: 3 }),
        publish: fc.boolean(),
        event: fc.constantFrom('none', 'none', 'restart', 'empty', 'restore'),
      }),
      { maxLength: 10 },
    )
    .map((steps) => {
      const deliveries: Delivery[] = [];
      let [boot, lineage, voids, revision] = [1, 1, 0, 1];
      let folder: Truth = new Map();
      let backup: Truth = new Map();
      /** What folders that were lost had published. */
      let published: Truth[] = [];
      let reached: Truth = new Map();
      const publish = (): void => {
        const windows = [...folder].map(([key, sum]) => {
          const [period = '', start] = key.split(' ');
          const name = period === 'min' ? 'min' : 'ms10';
          const bytes = sums.encode(sum);
          return { report: 'sums', period: name, start: Number(start), bytes, ...whole } as const;
        });
        const head = { boot, revision, lineage, voids, marks, reports: said };
        deliveries.push({ node, message: { ...head, windows } });
        reached = new Map(folder);
      };
      for (const { windows, publish: now, event } of steps) {
        if (event !== 'none') {
          // Only rows on disk are published, so a folder that continues has all of them.
          boot++;
          if (event === 'empty') {
            published.push(reached);
            [folder, reached, lineage] = [new Map(), new Map(), boot];
          } else if (event === 'restore') {
            [folder, reached, published] = [new Map(backup), new Map(), []];
            [lineage, voids] = [boot, boot];
          } else backup = new Map(folder);
        }
        for (const { period, offset, add } of windows) {
          const { windowMs } = periods[period];
          const start = Math.floor(startMs / windowMs) * windowMs + offset * windowMs;
          const key = `${period} ${start}`;
          const before = folder.get(key) ?? sums.create();
          folder.set(key, { sum: before.sum + add, most: Math.max(before.most, add) });
        }
        revision++;
        if (now || event === 'restore') publish();
      }
      revision++;
      publish();
      return { deliveries, truths: [...published, folder] };
    });

const whole = { tooLarge: 0, partial: false };
const said = [saidOf(sums)];

function saidOf(report: Report<Sums>) {
  const { name, summary, periods: kept, columns } = report;
  const code = reportFingerprint(report as Report);
  return { name, summary, periods: kept, columns, code, running: true, since: 0 };
}

const lives = fc.tuple(life('a'), life('b'));

const delivered = lives.chain((nodes) => {
  const all = nodes.flatMap(({ deliveries }) => deliveries);
  const again = fc.array(fc.constantFrom(...all), { maxLength: 8 });
  return again.chain((more) =>
    fc.tuple(
      fc.constant(nodes),
      fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length }),
    ),
  );
});

const deletedBefore = { ms10: 0, sec: 0, min: 0 };

function storeOf(rows: ReadonlyMap<string, Uint8Array>) {
  return {
    async *reports({ gte, lt }: { readonly gte: Uint8Array; readonly lt: Uint8Array }) {
      const [from, to] = [Buffer.from(gte).toString('hex'), Buffer.from(lt).toString('hex')];
      for (const key of [...rows.keys()].sort())
        if (key >= from && key < to)
          yield [Buffer.from(key, 'hex'), rows.get(key) ?? new Uint8Array()] as const;
    },
    close: async () => undefined,
  };
}

async function read(merged: MergedReports, rows: ReadonlyMap<string, Uint8Array>, only?: string) {
  const found = new Map<string, unknown>();
  const reasons: string[] = [];
  for (const period of ['ms10', 'min'] as const) {
    const memory = merged.inMemory('sums', period);
    const parts = {
      report: sums as Report,
      period,
      only,
      finalThrough: 0,
      nodes: merged.nodes(),
      memory,
    };
    const view = new ClusterReportView({ ...parts, store: storeOf(rows) });
    const all = { from: 0, to: startMs * 2 };
    for await (const { start, bytes } of view.windows(all, ({ reason }) => reasons.push(reason)))
      found.set(`${period} ${start}`, sums.decode(bytes));
  }
  return { found, reasons };
}

function wanted(truths: readonly Truth[]): Map<string, Sums> {
  const all = new Map<string, Sums>();
  for (const truth of truths)
    for (const [key, sum] of truth) all.set(key, sums.merge(all.get(key) ?? sums.create(), sum));
  return all;
}

describe('the reports of a cluster', () => {
  it("are the merge of the nodes' windows, in whatever order and however often messages come", async () => {
    await fc.assert(
      fc.asyncProperty(
        delivered,
        fc.array(fc.constantFrom('save', 'restart', 'none')),
        async ([nodes, deliveries], events) => {
          const rows = new Map<string, Uint8Array>();
          const readReport = (key: Uint8Array) => rows.get(Buffer.from(key).toString('hex'));
          const stored = { deletedBefore, readReport };
          let merged = new MergedReports(stored, []);
          let unsaved: Delivery[] = [];
          for (const [index, delivery] of deliveries.entries()) {
            merged.apply(delivery.node, wire(delivery));
            unsaved.push(delivery);
            const event = events[index] ?? 'none';
            if (event === 'none') continue;
            if (event === 'save') {
              for (const change of merged.takeUnsaved().changes)
                if ('report' in change)
                  rows.set(Buffer.from(change.report).toString('hex'), change.bytes);
              merged = new MergedReports(stored, merged.nodes());
              unsaved = [];
            } else {
              // Killed: the messages since the last save come again.
              for (const { node, message } of unsaved) merged.apply(node, message);
            }
          }
          const { found, reasons } = await read(merged, rows);
          expect(reasons).toEqual([]);
          expect(found).toEqual(wanted(nodes.flatMap(({ truths }) => truths)));
          for (const [index, only] of ['a', 'b'].entries())
            expect(await read(merged, rows, only)).toEqual({
              found: wanted(nodes[index]?.truths ?? []),
              reasons: [],
            });
        },
      ),
    );
  });

  it('leave out a node that runs another report of that name, and name it', async () => {
    const merged = new MergedReports({ deletedBefore, readReport: () => undefined }, []);
    const other = defineReport({ ...sums, merge: (a: Sums, b: Sums) => ({ ...a, sum: b.sum }) });
    const bytes = sums.encode({ sum: 1, most: 1 });
    const window = { report: 'sums', period: 'ms10', start: startMs, bytes, ...whole } as const;
    const head = { boot: 1, revision: 1, lineage: 1, voids: 0, marks, windows: [window] };
    merged.apply('a', { ...head, reports: said });
    merged.apply('b', { ...head, reports: [saidOf(other)] });
    const { found, reasons } = await read(merged, new Map());
    expect([...found.values()]).toEqual([{ sum: 1, most: 1 }]);
    expect(reasons).toEqual([
      expect.stringMatching(/^node b runs another report of that name \(\w{12}, here \w{12}\)$/),
    ]);
    // Once it runs the same report, all its windows count.
    merged.apply('b', { ...head, revision: 2, windows: [], reports: said });
    expect([...(await read(merged, new Map())).found.values()]).toEqual([{ sum: 2, most: 1 }]);
  });

  it('may be larger together than any node may make them', async () => {
    const texts = defineReport({
      ...{
        name: 'sums',
        summary: 'Texts',
        needs: 'head',
        periods: ['ms10'],
        columns: { text: 'text' },
      },
      create: () => ({ text: '' }),
      add: () => undefined,
      merge: (a, b) => ({ text: a.text + b.text }),
      rows: () => [],
    });
    const merged = new MergedReports({ deletedBefore, readReport: () => undefined }, []);
    const bytes = texts.encode({ text: 'x'.repeat(40 << 10) });
    const window = { report: 'sums', period: 'ms10', start: startMs, bytes, ...whole } as const;
    const head = { boot: 1, revision: 1, lineage: 1, voids: 0, marks, reports: [] };
    for (const node of ['a', 'b']) merged.apply(node, { ...head, windows: [window] });
    const memory = merged.inMemory('sums', 'ms10');
    const parts = { period: 'ms10', finalThrough: 0, nodes: merged.nodes(), memory } as const;
    const store = storeOf(new Map());
    const view = new ClusterReportView({ ...parts, report: texts as Report, store });
    const all = { from: 0, to: startMs * 2 };
    const failed = ({ reason }: { readonly reason: string }) => {
      throw new Error(reason);
    };
    const lengths: number[] = [];
    for await (const window of view.windows(all, failed))
      lengths.push(texts.decode(window.bytes).text.length);
    expect(lengths).toEqual([80 << 10]);
  });

  it('name windows that are too large for NATS, or incomplete', async () => {
    const merged = new MergedReports({ deletedBefore, readReport: () => undefined }, []);
    const place = { report: 'sums', period: 'ms10', start: startMs } as const;
    const bytes = sums.encode({ sum: 5, most: 5 });
    const head = { boot: 1, revision: 1, lineage: 1, voids: 0, marks, reports: said };
    const large = { ...place, bytes: new Uint8Array(), tooLarge: 70_000, partial: false };
    merged.apply('a', { ...head, windows: [large] });
    merged.apply('b', { ...head, windows: [{ ...place, bytes, tooLarge: 0, partial: true }] });
    const { found, reasons } = await read(merged, new Map());
    expect([...found.values()]).toEqual([{ sum: 5, most: 5 }]);
    expect(reasons).toEqual([
      'node a has 70000 bytes of it, more than its NATS takes',
      'an earlier part of it was damaged on node b',
    ]);
  });
});

function wire({ node, message }: Delivery): ReportMessage {
  return decodeReportMessage(encodeReportMessage(message, node), node);
}

const whole53 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const anyMessage: fc.Arbitrary<ReportMessage> = fc.record({
  boot: whole53,
  revision: whole53,
  lineage: whole53,
  voids: whole53,
  marks: fc.record({ ms10: whole53, sec: whole53, min: whole53 }),
  reports: fc.option(fc.constant(said), { nil: undefined }),
  windows: fc.array(
    fc
      .record({
        report: fc.constantFrom('top', 'sums', 'a-1'),
        period: fc.constantFrom<PeriodName>('ms10', 'sec', 'min'),
        number: fc.nat(),
        bytes: fc.uint8Array({ maxLength: 600 }),
        kind: fc.constantFrom('whole', 'partial', 'large'),
      })
      .map(({ number, period, kind, bytes, report }) => ({
        report,
        period,
        start: number * periods[period].windowMs,
        bytes: kind === 'large' ? new Uint8Array() : bytes,
        tooLarge: kind === 'large' ? 70_000 : 0,
        partial: kind === 'partial',
      })),
    { maxLength: 6 },
  ),
});

describe('a message of reports', () => {
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(anyMessage, (sent) => {
        const got = wire({ node: 'a', message: sent });
        const plain = ({ windows, ...rest }: ReportMessage) => ({
          ...rest,
          windows: windows.map((window) => ({ ...window, bytes: [...window.bytes] })),
        });
        expect(plain(got)).toEqual(plain(sent));
      }),
    );
  });

  it('is rejected under the name of another node, with any bit changed, and cut anywhere', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(), (sent, bit, cut) => {
        const bytes = encodeReportMessage(sent, 'a');
        expect(() => decodeReportMessage(bytes, 'b')).toThrow(BadMessage);
        const short = bytes.subarray(0, cut % bytes.length);
        expect(() => decodeReportMessage(short, 'a')).toThrow(BadMessage);
        const at = bit % (8 * bytes.length);
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
        expect(() => decodeReportMessage(bytes, 'a')).toThrow(BadMessage);
      }),
    );
  });
});
