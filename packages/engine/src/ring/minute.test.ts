import { allocateWindows, secondsOnly, totalOf } from '@reto3/core';
import { describe, expect, it } from 'vitest';
import { Minute } from './minute.ts';

const start = Date.UTC(2016, 4, 28, 11, 11);

describe('Minute', () => {
  it('adds a message to one ms10 window, one second and the minute', () => {
    const minute = new Minute(start);
    minute.add(1_101, 122, false);
    expect(minute.ms10.counts[1_101]).toBe(122);
    expect(minute.sec.counts[11]).toBe(122);
    expect(minute.min.counts[0]).toBe(122);
    for (const windows of [minute.ms10, minute.sec, minute.min]) {
      expect(totalOf(windows)).toBe(122);
      expect(windows.counted.reduce((sum, bit) => sum + bit, 0)).toBe(1);
      expect(windows.revised.includes(1)).toBe(false);
    }
  });

  it('marks all three windows revised when a final one grows', () => {
    const minute = new Minute(start);
    minute.add(5_999, 1, true);
    expect(minute.ms10.revised[5_999]).toBe(1);
    expect(minute.sec.revised[59]).toBe(1);
    expect(minute.min.revised[0]).toBe(1);
  });

  it('is partial until all its windows are counted', () => {
    const minute = new Minute(start);
    minute.markCounted(150, 6_000);
    expect(minute.sec.partial.slice(0, 3)).toEqual(Uint8Array.of(0, 1, 0));
    expect(minute.min.partial[0]).toBe(1);
    expect(minute.ms10.partial.includes(1)).toBe(false);
    minute.markCounted(100, 150);
    expect(minute.sec.partial.includes(1)).toBe(false);
    minute.markCounted(0, 100);
    expect(minute.min.partial[0]).toBe(0);
  });

  it('keeps only the second of messages from a clock that ticks in seconds', () => {
    const minute = new Minute(start);
    minute.markCounted(0, 250);
    minute.add(101, 3, false);
    minute.markSecondsOnly(1, 3);
    minute.add(100, 40, false);
    expect(minute.ms10.counted.slice(99, 101)).toEqual(Uint8Array.of(1, secondsOnly));
    expect([...minute.sec.counts.slice(0, 3)]).toEqual([0, 43, 0]);
    expect([...minute.sec.partial.slice(0, 4)]).toEqual([0, 0, 0, 0]);
    expect([totalOf(minute.ms10), minute.min.counts[0]]).toEqual([43, 43]);
    minute.markCounted(0, 6_000);
    minute.add(299, 2, false);
    expect(minute.ms10.counted[299]).toBe(secondsOnly);
    expect(minute.min.partial[0]).toBe(0);
    minute.markRecorded();
    expect(minute.takeAll().filter((window) => window >= 100 && window < 300)).toEqual([
      100, 101, 200, 299,
    ]);
  });

  it('finds the partial seconds in the stored ms10 windows', () => {
    const stored = new Minute(start);
    stored.markCounted(250, 400);
    const minute = new Minute(start, { ms10: stored.ms10 });
    minute.markCounted(250, 251);
    minute.markCounted(400, 500);
    expect([...minute.sec.partial.slice(0, 6)]).toEqual([0, 0, 1, 0, 0, 0]);
  });

  it('stays as whole as it was if retention has deleted its ms10 windows', () => {
    const [sec, min] = [allocateWindows(60), allocateWindows(1)];
    sec.counted.fill(1);
    min.counted.fill(1);
    sec.partial[7] = min.partial[0] = 1;
    const minute = new Minute(start, { sec, min });
    minute.add(300, 7, true);
    minute.add(701, 7, true);
    expect([minute.sec.partial[3], minute.sec.partial[7], minute.min.partial[0]]).toEqual([
      0, 1, 1,
    ]);
  });

  it('keeps seconds and minute absolute if the ms10 block is deleted', () => {
    const sec = allocateWindows(60);
    const min = allocateWindows(1);
    sec.counts[3] = 500;
    sec.counted[3] = 1;
    min.counts[0] = 500;
    min.counted[0] = 1;
    const minute = new Minute(start, { sec, min });
    minute.add(300, 7, true);
    expect(minute.ms10.counts[300]).toBe(7);
    expect(minute.sec.counts[3]).toBe(507);
    expect(minute.min.counts[0]).toBe(507);
  });

  it('gives each changed window to the journal once, in order', () => {
    const minute = new Minute(start);
    expect(minute.unclosed).toBe(false);
    minute.markCounted(100, 102);
    minute.add(7, 1, false);
    expect(minute.takeChanges()).toEqual([7, 100, 101]);
    expect(minute.takeChanges()).toEqual([]);
    minute.markCounted(100, 102);
    expect(minute.takeChanges()).toEqual([]);
    minute.add(101, 1, false);
    minute.add(101, 1, false);
    expect(minute.takeChanges()).toEqual([101]);
    expect(minute.takeAll()).toEqual([7, 100, 101]);
  });

  it('is closed until something changes', () => {
    const minute = new Minute(start);
    minute.add(0, 1, false);
    minute.takeChanges();
    minute.written();
    expect(minute.unclosed).toBe(true);
    minute.beginClose();
    expect(minute.unclosed).toBe(false);
    minute.add(0, 1, true);
    expect(minute.unclosed).toBe(true);
  });

  it('counts the messages that no written record contains', () => {
    const minute = new Minute(start);
    minute.add(0, 5, false);
    expect(minute.unsaved).toBe(5);
    minute.takeChanges();
    minute.add(0, 2, false);
    expect(minute.unsaved).toBe(7);
    minute.written();
    expect(minute.unsaved).toBe(2);
    minute.takeChanges();
    minute.writeFailed();
    expect(minute.unsaved).toBe(2);
    minute.syncFailed();
    expect(minute.unsaved).toBe(7);
    minute.takeChanges();
    minute.written();
    expect(minute.unsaved).toBe(0);
  });

  it('counts only the messages outside its block as unsaved when an fsync fails', () => {
    const minute = new Minute(start);
    minute.add(0, 5, false);
    minute.takeChanges();
    minute.written();
    minute.beginClose();
    minute.add(0, 2, true);
    minute.closed();
    minute.syncFailed();
    expect(minute.unsaved).toBe(2);
  });

  it('keeps a copy as of the last written record', () => {
    const minute = new Minute(start);
    minute.add(0, 5, false);
    minute.takeChanges();
    minute.written();
    expect(minute.recorded().counts[0]).toBe(5);
    minute.add(0, 2, true);
    minute.takeChanges();
    minute.add(0, 1, true);
    expect(minute.recorded().counts[0]).toBe(5);
    minute.written();
    expect(minute.recorded().counts[0]).toBe(7);
    expect(minute.recorded().revised[0]).toBe(1);
  });

  it('adds stored counts that could not be read before', () => {
    const stored = new Minute(start);
    stored.add(0, 10, false);
    stored.add(100, 1, false);
    const minute = new Minute(start);
    minute.add(0, 5, false);
    minute.absorb(stored);
    expect(minute.ms10.counts[0]).toBe(15);
    expect(minute.ms10.revised[0]).toBe(1);
    expect(minute.sec.counts[0]).toBe(15);
    expect(minute.sec.counts[1]).toBe(1);
    expect(minute.min.counts[0]).toBe(16);
    expect(minute.ms10.counted[100]).toBe(1);
    expect(minute.ms10.revised[100]).toBe(0);
  });

  it('writes everything again after a failed write', () => {
    const minute = new Minute(start);
    minute.add(0, 1, false);
    minute.takeChanges();
    minute.written();
    minute.add(5_900, 1, false);
    minute.beginClose();
    minute.writeFailed();
    expect(minute.unclosed).toBe(true);
    expect(minute.takeChanges()).toEqual([0, 5_900]);
  });

  it('keeps the sum of its ms10 windows up to date', () => {
    const stored = new Minute(start);
    stored.add(7, 40, false);
    const minute = new Minute(start, { ms10: stored.ms10 });
    for (const grow of [
      () => undefined,
      () => minute.add(7, 5, true),
      () => minute.add(5_999, 300, false),
      () => minute.absorb(stored),
      () => minute.add(0, 1, false),
    ]) {
      grow();
      expect(minute.total).toBe(totalOf(minute.ms10));
    }
  });
});
