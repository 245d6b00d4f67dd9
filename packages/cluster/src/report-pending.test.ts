import { largestTime } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { PendingRows } from './report-pending.ts';

const minute = Date.UTC(2016, 4, 28, 11, 11);
const second = { report: 'lag', period: 'ms10', start: minute } as const;
const openMinute = { report: 'lag', period: 'min', start: minute } as const;

let clock: VirtualClock;
let pending: PendingRows;

beforeEach(() => {
  clock = new VirtualClock(minute);
  pending = new PendingRows(clock);
});

function write(row: typeof second | typeof openMinute, number: number): void {
  pending.writing([row]);
  pending.written(number);
}

describe('a row that changes', () => {
  it('is pending from before its write until it is acknowledged', () => {
    expect(pending.oldest).toBe(largestTime);
    pending.writing([second]);
    expect(pending.oldest).toBe(minute);
    pending.written(1);
    expect(pending.oldest).toBe(minute);
    expect(pending.take(minute, false)).toMatchObject([{ from: minute, to: minute + 1_000 }]);
    expect(pending.oldest).toBe(minute);
    pending.acknowledged();
    expect(pending.oldest).toBe(largestTime);
  });

  it('is taken again if its message failed', () => {
    write(second, 1);
    pending.take(minute, false);
    expect(pending.hasFresh(minute, false)).toBe(false);
    pending.failed();
    expect(pending.take(minute, false)).toMatchObject([{ from: minute, to: minute + 1_000 }]);
  });

  it('may be unsynced until its last write is on disk', () => {
    write(second, 1);
    write(second, 2);
    pending.synced(1);
    expect(pending.mayBeUnsynced(second)).toBe(true);
    pending.synced(2);
    expect(pending.mayBeUnsynced(second)).toBe(false);
    pending.writing([second]);
    expect(pending.mayBeUnsynced(second)).toBe(true);
  });
});

describe('a taken span', () => {
  it('is pending from where it was put back once the rest is acknowledged', () => {
    pending.addFresh('lag', 'ms10', minute);
    for (const span of pending.take(minute, false)) pending.putBack(span, minute + 5_000);
    expect(pending.oldest).toBe(minute);
    pending.acknowledged();
    expect(pending.oldest).toBe(minute + 5_000);
  });
});

describe('the row of a minute', () => {
  it('waits five seconds while it is open, and not when it is over', () => {
    write(openMinute, 1);
    pending.take(minute, false);
    pending.acknowledged();
    write(openMinute, 2);
    expect(pending.hasFresh(minute, false)).toBe(false);
    expect(pending.hasFresh(minute, true)).toBe(true);
    expect(pending.hasFresh(minute + 60_000, false)).toBe(true);
    clock.pass(5_000);
    expect(pending.hasFresh(minute, false)).toBe(true);
  });

  it('holds back the mark of its own period only', () => {
    write(openMinute, 1);
    expect(pending.firstFresh('min', minute)).toBe(minute);
    expect(pending.firstFresh('ms10', minute)).toBe(Number.POSITIVE_INFINITY);
  });
});
