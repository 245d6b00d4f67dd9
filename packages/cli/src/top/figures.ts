/** The figures of `reto3 top` as JSON, for scripts. */
import type { ClusterNode } from '@reto3/client/answers';
import { maxPeaks } from './draw.ts';
import { type CountedWindow, type RecentWindows, reachMs } from './recent-windows.ts';
import type { ServerState, ShownInfo } from './server-state.ts';

/**
 * Times in epoch ms, rates in messages per second; null if nothing was counted, or if the server does
 * not answer.
 */
interface Figures extends Pick<ServerState, 'url' | 'scope'> {
  readonly nodes: readonly NodeFigures[];
  readonly finalThrough: number | null;
  readonly rates: {
    readonly overSec: number | null;
    readonly over10Sec: number | null;
    readonly overMin: number | null;
  };
  /** The largest 10 ms windows of the last minute, largest first. */
  readonly peaks: readonly CountedWindow[];
  /** Absent for a cluster. */
  readonly server?: Omit<ShownInfo, 'messagesByWorker'> & {
    readonly workerRates: readonly (number | null)[];
  };
}

type NodeFigures = Omit<ClusterNode, 'rate' | 'share' | 'lagMs'> & {
  readonly [name in 'rate' | 'share' | 'lagMs']: number | null;
};

export function figuresOf(state: ServerState, recent: RecentWindows): Figures {
  const { url, scope, info, away } = state;
  const unknown = { rate: null, share: null, lagMs: null };
  const nodes = away === undefined ? state.nodes : state.nodes.map((n) => ({ ...n, ...unknown }));
  const workers = away === undefined ? state.workers : state.workers.map(() => null);
  const rate = (overMs: number): number | null => recent.rate(overMs) ?? null;
  const figures = {
    ...{ url, scope, nodes, finalThrough: recent.end === 0 ? null : recent.end },
    rates: { overSec: rate(1_000), over10Sec: rate(10_000), overMin: rate(reachMs) },
    peaks: recent.peaks(maxPeaks),
  };
  if (scope === 'cluster' || info === undefined) return figures;
  const { version, node, boot, uptimeMs, messagesSinceStart, messagesInAll, freshnessMs } = info;
  const { connectionsWithoutMessage } = info;
  const server = {
    ...{ version, node, boot, uptimeMs, messagesSinceStart, messagesInAll, freshnessMs },
    ...(connectionsWithoutMessage !== undefined && { connectionsWithoutMessage }),
  };
  return { ...figures, server: { ...server, workerRates: workers } };
}
