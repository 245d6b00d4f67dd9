import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { nameHolder, readHolder } from './holder.ts';

it('each server has a name of its own, which a moved folder keeps and a copy does not have', () => {
  const base = mkdtempSync(join(tmpdir(), 'reto3-holder-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  const folder = mkdtempSync(join(base, 'archive-'));
  expect(() => readHolder(folder)).toThrow('ENOENT');
  const first = nameHolder(folder);
  expect(readHolder(folder)).toBe(first);
  const [moved, copy] = [join(base, 'moved'), join(base, 'copy')];
  cpSync(folder, copy, { recursive: true });
  expect(readHolder(copy)).not.toBe(first);
  renameSync(folder, moved);
  expect(readHolder(moved)).toBe(first);
  expect(nameHolder(moved)).not.toBe(first);
});
