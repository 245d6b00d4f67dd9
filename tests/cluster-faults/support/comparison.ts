/** Compares the cluster's windows with its nodes', in all three periods. */
import { setTimeout } from 'node:timers/promises';
import { ask, askStats } from '../../support/api.ts';
import type { Server } from '../../support/server.ts';
import { thisSecond } from '../../support/stats.ts';
import { type Counts, countsOf, sumOf } from '../../support/windows.ts';

const lookEveryMs = 50;
/** Longer than every promise, so that a missing window fails with a message instead of a hang. */
const patienceMs = 60_000;

interface Range {
  /** Epoch ms, at or before the first count. */
  readonly from: number;
  /** Windows that end later are left out, since the nodes still count in them. */
  readonly to: number;
  /** Set this when no more messages arrive, to compare the current minute as well. */
  readonly settled?: boolean;
}

export interface Comparison {
  /** The nodes' windows, in all periods. */
  readonly windows: number;
  readonly different: number;
  /** Windows in which the cluster has more than its nodes. */
  readonly above: number;
  /** Messages in the ms10 windows: the cluster's and its nodes'. */
  readonly cluster: number;
  readonly nodes: number;
  /** The first difference; empty if there is none. */
  readonly first: string;
}

export async function compare(
  merger: Server,
  nodes: readonly Server[],
  range: Range,
): Promise<Comparison> {
  let [windows, different, above, first] = [0, 0, 0, ''];
  const totals = { cluster: 0, nodes: 0 };
  for (const period of ['ms10', 'sec', 'min']) {
    // Read the cluster first: otherwise messages that nodes count meanwhile would look like an
    // excess.
    const got = await countsIn(merger, period, range, '&scope=cluster');
    const want = new Map<number, number>();
    for (const node of nodes) {
      for (const [start, count] of await countsIn(node, period, range))
        want.set(start, (want.get(start) ?? 0) + count);
    }
    windows += want.size;
    for (const start of new Set([...got.keys(), ...want.keys()])) {
      const [is, should] = [got.get(start), want.get(start)];
      if (is === should) continue;
      different++;
      if ((is ?? 0) > (should ?? 0)) above++;
      first ||= `${period} ${new Date(start).toISOString()}: got ${is}, want ${should}`;
    }
    if (period === 'ms10') Object.assign(totals, { cluster: sumOf(got), nodes: sumOf(want) });
  }
  return { windows, different, above, first, ...totals };
}

/**
 * How long it takes until all windows are equal, in ms.
 * @param since the start of that time, monotonic
 * @throws Error with the first difference after a minute
 */
export async function timeUntilEqual(
  merger: Server,
  nodes: readonly Server[],
  range: Range,
  since = performance.now(),
): Promise<number> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const asked = performance.now();
    const { different, windows, first } = await compare(merger, nodes, range);
    if (different === 0 && windows > 0) return asked - since;
    if (asked > deadline) {
      for (const server of [merger, ...nodes]) {
        const state = JSON.stringify(await ask(server.adminUrl, '/v1/cluster'));
        process.stderr.write(`${server.adminUrl}: ${state}\n${server.stderr}\n`);
      }
      throw new Error(`got ${different} of ${windows} windows wrong at last, the first ${first}`);
    }
    await setTimeout(lookEveryMs);
  }
}

async function countsIn(
  server: Server,
  period: string,
  { from, to, settled = false }: Range,
  scope = '',
): Promise<Counts> {
  const columns = await askStats(
    server.adminUrl,
    period,
    `from=${from}&to=${to}&open=true${scope}`,
  );
  const counts = new Map(countsOf(columns));
  const through = settled && period === 'min' ? Number.POSITIVE_INFINITY : to;
  for (const start of counts.keys()) if (start + columns.windowMs > through) counts.delete(start);
  return counts;
}

/** The range from `from` once no more messages arrive; waits for the end of the current second. */
export async function settled(from: number): Promise<Range> {
  const to = thisSecond() + 1_000;
  // A timer may fire a millisecond before the wall clock gets there.
  while (Date.now() < to) await setTimeout(to - Date.now());
  return { from, to, settled: true };
}

/**
 * The number of windows in which the cluster has more than its nodes. Compares up to the end of the
 * current minute, which includes windows that no node has yet.
 */
export async function excess(
  merger: Server,
  nodes: readonly Server[],
  from: number,
): Promise<number> {
  const to = Math.ceil((Date.now() + 1) / 60_000) * 60_000;
  return (await compare(merger, nodes, { from, to })).above;
}
