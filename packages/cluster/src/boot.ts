/**
 * Determines the boot under which a server publishes, and from when on it vouches for all counts, from
 * its folder and from the cluster's register.
 */
import { alignDown, sec } from '@reto3/core';
import type { Published, Stretch } from '@reto3/engine';
import { mostBootAheadMs } from './incoming.ts';
import { vouchMs } from './seconds-lane.ts';

export interface NextBoot {
  readonly boot: number;
  /** Epoch ms. */
  readonly vouchedFrom: number;
  /** The folder is not the one published last under this name: it was restored or cloned. */
  readonly forked: boolean;
}

export function nextBoot(known: {
  /** From the folder. */
  readonly before: Published;
  /** The last boot in the register; 0: none. */
  readonly registered: number;
  /** End of the folder's counts when the server started, epoch ms; 0: it was empty. */
  readonly endBefore: number;
  /** Since when this server counts, epoch ms. */
  readonly startedAt: number;
  readonly wallMs: number;
  /** The ms10 windows that a repair could not save. */
  readonly gone: readonly Stretch[];
  /** The end of the ms10 windows that retention has deleted, epoch ms. */
  readonly deletedBefore: number;
}): NextBoot {
  const { before, registered, endBefore, startedAt, wallMs, gone, deletedBefore } = known;
  const counting = alignDown(startedAt, sec.windowMs);
  // Mergers take no boot that a wrong clock put further ahead, so it need not be exceeded.
  const taken = [before.boot, registered].filter((boot) => boot < wallMs + mostBootAheadMs);
  const boot = Math.max(wallMs, ...taken.map((each) => each + 1));
  // A new folder knows nothing about earlier times, so it voids nothing.
  if (endBefore === 0 && before.node === '') {
    return { boot, vouchedFrom: counting, forked: false };
  }
  // A restore keeps the name and leaves boot 0, which needs no register to be recognized.
  const isRestored = before.node !== '' && before.boot === 0;
  // A boot that ended before it was in the register has published nothing.
  const follows = registered === before.boot || registered === before.after;
  const forked = isRestored || (registered > 0 && !follows);
  const sinceEnd = alignDown(Math.max(0, endBefore - vouchMs), sec.windowMs);
  const since = forked ? 0 : Math.min(sinceEnd, before.vouchedFrom ?? sinceEnd);
  // The cluster may have the only copy of what retention deleted or a repair could not save.
  const vouchedFrom = Math.max(since, deletedBefore, ...gone.map(({ to }) => to));
  return { boot, vouchedFrom, forked };
}
