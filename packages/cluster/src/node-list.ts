/** The nodes of a cluster as a merger shows them: the state of each, and how much it counts. */
import { alignDown, type Clock, Reto3Error, sec } from '@reto3/core';
import type { MergeState, NodeRecord } from './merge-state.ts';
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

export class NodeList {
  readonly #state: MergeState;
  readonly #clock: Clock;

  constructor(state: MergeState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** All nodes that are not forgotten, by name. */
  states(): NodeState[] {
    const now = this.#clock.read();
    const totals = this.#recentTotals();
    const all = [...totals.values()].reduce((sum, total) => sum + total, 0);
    const known = this.#state.nodes().filter(({ forgotten }) => forgotten !== true);
    return known.map((node) => {
      const total = totals.get(node.name) ?? 0;
      const { name, boot, revision, mark, clockOffsetMs, heardAtWall } = node;
      return {
        ...{ name, boot, revision, mark, clockOffsetMs, heardAt: heardAtWall },
        state: node.left ? 'left' : this.#state.isLive(node, now) ? 'live' : 'silent',
        rate: total / (rateOverMs / sec.windowMs),
        share: all === 0 ? 0 : total / all,
        lagMs: Math.max(0, now.wallMs - mark),
      };
    });
  }

  /** @throws Reto3Error RETO3_NO_SUCH_NODE */
  named(name: string): NodeRecord {
    const node = this.#state.node(name);
    if (node !== undefined) return node;
    const nodes = this.#state.nodes();
    const named = nodes.slice(0, mostNamed).map((each) => each.name);
    const more = nodes.length > named.length ? ` and ${nodes.length - named.length} more` : '';
    const known = nodes.length === 0 ? 'none yet' : `${named.join(', ')}${more}`;
    throw new Reto3Error('RETO3_NO_SUCH_NODE', `got node "${name}"; the cluster has ${known}`);
  }

  /** What each node counted in the last final seconds. */
  #recentTotals(): Map<string, number> {
    const to = alignDown(this.#state.finalThrough(this.#clock.read()), sec.windowMs);
    const nodes = this.#state.nodes();
    const totals = new Map<string, number>();
    for (const minute of this.#state.minutes()) {
      const first = Math.max(minute.start, to - rateOverMs);
      for (let start = first; start < Math.min(minute.end, to); start += sec.windowMs) {
        const index = (start - minute.start) / sec.windowMs;
        for (const { name } of nodes) {
          const packed = minute.part(name)?.second(index);
          if (packed !== undefined)
            totals.set(name, (totals.get(name) ?? 0) + totalOfSecond(packed));
        }
      }
    }
    return totals;
  }
}
