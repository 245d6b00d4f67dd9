/** The nodes of a cluster as a merger shows them: the state of each, and how much it counts. */
import { alignDown, Reto3Error, sec } from '@reto3/core';
import type { MergeState, Moment, NodeRecord } from './merge-state.ts';
import { totalOfSecond } from './second.ts';

/** The time over which a node's rate is averaged. */
const rateOverMs = 10_000;
/** How many nodes the error for an unknown one names. */
const mostNamed = 10;

export interface NodeState extends Pick<NodeRecord, 'name' | 'boot' | 'revision' | 'mark'> {
  /** live: windows wait for it. silent: no message for --silent-after. left: it said goodbye. */
  readonly state: 'live' | 'silent' | 'left';
  /** Messages per second, over ten seconds. */
  readonly rate: number;
  /** Its share of all messages in that time, 0 to 1. */
  readonly share: number;
  /** How far its mark is behind the merger's clock, in ms. */
  readonly lagMs: number;
  readonly clockOffsetMs: number;
  /** When its last message came, by the merger's clock, epoch ms. */
  readonly heardAt: number;
}

/** All nodes that are not forgotten, by name. */
export function nodeStates(state: MergeState, now: Moment): NodeState[] {
  const totals = recentTotals(state, now);
  const all = [...totals.values()].reduce((sum, total) => sum + total, 0);
  const known = state.nodes().filter(({ forgotten }) => forgotten !== true);
  return known.map((node) => {
    const total = totals.get(node.name) ?? 0;
    const { name, boot, revision, mark, clockOffsetMs, heardAtWall } = node;
    return {
      ...{ name, boot, revision, mark, clockOffsetMs, heardAt: heardAtWall },
      state: node.left ? 'left' : state.isLive(node, now) ? 'live' : 'silent',
      rate: total / (rateOverMs / sec.windowMs),
      share: all === 0 ? 0 : total / all,
      lagMs: Math.max(0, now.wallMs - mark),
    };
  });
}

/** @throws Reto3Error RETO3_NO_SUCH_NODE */
export function nodeNamed(state: MergeState, name: string): NodeRecord {
  const node = state.node(name);
  if (node !== undefined) return node;
  const nodes = state.nodes();
  const named = nodes.slice(0, mostNamed).map((each) => each.name);
  const more = nodes.length > named.length ? ` and ${nodes.length - named.length} more` : '';
  const known = nodes.length === 0 ? 'none yet' : `${named.join(', ')}${more}`;
  throw new Reto3Error('RETO3_NO_SUCH_NODE', `got node "${name}"; the cluster has ${known}`);
}

/** What each node counted in the last final seconds. Reads no store, which may be failing. */
function recentTotals(state: MergeState, now: Moment): Map<string, number> {
  const to = alignDown(state.finalThrough(now), sec.windowMs);
  const totals = new Map<string, number>();
  for (const minute of state.minutes()) {
    const end = Math.min(minute.end, to);
    for (const [name, part] of minute.partsInMemory) {
      for (let at = Math.max(minute.start, to - rateOverMs); at < end; at += sec.windowMs) {
        const packed = part?.second((at - minute.start) / sec.windowMs);
        if (packed !== undefined) totals.set(name, (totals.get(name) ?? 0) + totalOfSecond(packed));
      }
    }
  }
  return totals;
}
