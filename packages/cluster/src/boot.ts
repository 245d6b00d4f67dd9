/**
 * Which boot a server publishes as, and from when on it vouches for everything: decided from what
 * its folder says, and what the register of the cluster says under its name.
 */
import { alignDown, sec } from '@reto3/core';
import type { Published, Stretch } from '@reto3/engine';
import { mostBootAheadMs } from './incoming.ts';
import { vouchMs } from './seconds-lane.ts';

export interface NextBoot {
  readonly boot: number;
  /** Epoch ms. */
  readonly vouchedFrom: number;
  /** The folder is not what was published last under this name: restored, or a copy. */
  readonly forked: boolean;
}

export function nextBoot(known: {
  /** What the folder says. */
  readonly before: Published;
  /** The last boot in the register; 0 where there is none. */
  readonly registered: number;
  /** End of what the folder held when the server started, epoch ms; 0: it was empty. */
  readonly endBefore: number;
  /** Since when this server counts, epoch ms. */
  readonly startedAt: number;
  readonly wallMs: number;
  /** The ms10 windows that a repair of the folder could not save. */
  readonly gone: readonly Stretch[];
}): NextBoot {
  const { before, registered, endBefore, startedAt, wallMs, gone } = known;
  const counting = alignDown(startedAt, sec.windowMs);
  // No merger takes a boot that a wrong clock put further ahead, so none has to be exceeded.
  const taken = [before.boot, registered].filter((boot) => boot < wallMs + mostBootAheadMs);
  const boot = Math.max(wallMs, ...taken.map((each) => each + 1));
  // An empty folder knows nothing of the time before, so it denies nothing either.
  if (endBefore === 0 && before.boot === 0) {
    return { boot, vouchedFrom: counting, forked: false };
  }
  // A boot that was written down, and died before it was in the register, has published nothing.
  const follows = registered === before.boot || registered === before.after;
  const forked = registered > 0 && !follows;
  const sinceEnd = alignDown(Math.max(0, endBefore - vouchMs), sec.windowMs);
  const found = forked ? 0 : Math.min(sinceEnd, before.vouchedFrom ?? sinceEnd);
  // Of what a repair could not save, the cluster may have the only copy.
  const vouchedFrom = gone.reduce((from, { to }) => Math.max(from, Math.min(to, counting)), found);
  return { boot, vouchedFrom, forked };
}
