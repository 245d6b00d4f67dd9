import { neverPublished } from '@reto3/engine';
import { describe, expect, it } from 'vitest';
import { nextBoot } from './boot.ts';

const minuteMs = 60_000;
const wallMs = Date.UTC(2016, 4, 28, 11);
const known = {
  registered: 0,
  endBefore: wallMs - minuteMs,
  startedAt: wallMs - 500,
  wallMs,
  gone: [],
  deletedBefore: 0,
};

describe('the next boot', () => {
  it('is the wall clock, or one more than the boots before it', () => {
    const before = { ...neverPublished, boot: 7 };
    expect(nextBoot({ ...known, before, registered: 7 }).boot).toBe(wallMs);
    const ahead = { ...neverPublished, boot: wallMs + 5 };
    expect(nextBoot({ ...known, before: ahead, registered: 7 }).boot).toBe(wallMs + 6);
    expect(nextBoot({ ...known, before, registered: wallMs + 9 }).boot).toBe(wallMs + 10);
  });

  it('ignores boots that a wrong clock put more than a day ahead, as mergers do', () => {
    const dayMs = 86_400_000;
    const wrong = wallMs + 365 * dayMs;
    const before = { ...neverPublished, boot: wrong, after: 3 };
    expect(nextBoot({ ...known, before, registered: wrong })).toMatchObject({
      boot: wallMs,
      forked: false,
    });
    const ahead = { ...neverPublished, boot: wallMs + dayMs - 1 };
    expect(nextBoot({ ...known, before: ahead, registered: 7 }).boot).toBe(wallMs + dayMs);
  });

  it("vouches from three minutes before the end of the folder's counts", () => {
    const next = nextBoot({
      ...known,
      before: { ...neverPublished, boot: 7, after: 3 },
      registered: 7,
    });
    expect(next).toMatchObject({ vouchedFrom: wallMs - 4 * minuteMs });
  });

  it('vouches for at least as much as an earlier boot that the cluster may not know', () => {
    const before = { ...neverPublished, boot: 7, vouchedFrom: wallMs - 60 * minuteMs };
    const next = nextBoot({ ...known, before, registered: 7 });
    expect(next.vouchedFrom).toBe(wallMs - 60 * minuteMs);
    const later = { ...before, vouchedFrom: wallMs - minuteMs };
    const after = nextBoot({ ...known, before: later, registered: 7 });
    expect(after.vouchedFrom).toBe(wallMs - 4 * minuteMs);
  });

  it('assumes that a boot that is not in the register published nothing', () => {
    const next = nextBoot({
      ...known,
      before: { ...neverPublished, boot: 7, after: 3 },
      registered: 3,
    });
    expect(next).toMatchObject({ forked: false });
  });

  it.each([
    ['published last by another folder', { ...neverPublished, boot: 7, after: 3 }, 9],
    ['restored from an older backup', { ...neverPublished, boot: 3, after: 2 }, 7],
    ['restored from a backup of the boot that ran', { ...neverPublished, boot: 0, node: 'a' }, 7],
    ['never published, and the name did', neverPublished, 7],
  ])('vouches for all time where the folder was %s', (_, before, registered) => {
    const next = nextBoot({ ...known, before, registered });
    expect(next).toMatchObject({ vouchedFrom: 0, forked: true });
  });

  it('knows a restored folder although the register was lost, or the backup had no counts', () => {
    const before = { ...neverPublished, node: 'a' };
    const lost = nextBoot({ ...known, before, registered: 0 });
    expect(lost).toMatchObject({ vouchedFrom: 0, forked: true });
    const empty = nextBoot({ ...known, before, registered: 7, endBefore: 0 });
    expect(empty).toMatchObject({ vouchedFrom: 0, forked: true });
  });

  it('voids nothing more if the register is new', () => {
    const next = nextBoot({ ...known, before: { ...neverPublished, boot: 7 }, registered: 0 });
    expect(next).toMatchObject({ vouchedFrom: wallMs - 4 * minuteMs });
  });

  it('vouches for nothing that retention deleted', () => {
    const deletedBefore = wallMs - 60 * minuteMs;
    const before = { ...neverPublished, boot: 3, after: 2 };
    const restored = nextBoot({ ...known, before, registered: 7, deletedBefore });
    expect(restored).toMatchObject({ vouchedFrom: deletedBefore, forked: true });
  });

  it('vouches for nothing that a repair could not save', () => {
    const before = { ...neverPublished, boot: 7, after: 3 };
    const endBefore = wallMs - 30 * minuteMs;
    const cut = { from: endBefore, to: wallMs - 10 * minuteMs };
    const repaired = { ...known, before, registered: 7, endBefore, gone: [cut] };
    expect(nextBoot(repaired).vouchedFrom).toBe(cut.to);
    expect(nextBoot({ ...repaired, registered: 9 }).vouchedFrom).toBe(cut.to);
    // Nor if it begins to count within that time, or its clock was set back before it.
    const gone = [{ from: endBefore, to: wallMs + minuteMs }];
    expect(nextBoot({ ...repaired, gone }).vouchedFrom).toBe(wallMs + minuteMs);
    const startedAt = wallMs - 180 * minuteMs;
    expect(nextBoot({ ...repaired, startedAt, wallMs: startedAt }).vouchedFrom).toBe(cut.to);
    const long = [{ from: 0, to: endBefore - 60 * minuteMs }];
    expect(nextBoot({ ...repaired, gone: long }).vouchedFrom).toBe(endBefore - 3 * minuteMs);
  });

  it('voids nothing before an empty folder', () => {
    const next = nextBoot({
      ...known,
      before: neverPublished,
      registered: 7,
      endBefore: 0,
    });
    expect(next).toMatchObject({ vouchedFrom: wallMs - 1_000, forked: false });
  });
});
