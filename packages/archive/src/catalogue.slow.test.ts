import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { hourMs } from './layout.ts';

it('has its totals without looking at a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reto3-catalogue-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const catalogue = new Catalogue(folder);
  let looks = 0;
  for (let sequence = 1; sequence <= 10_000; sequence++) {
    const rest = { kind: 'parquet', path: `${sequence}`, sequence, first: sequence } as const;
    catalogue.add({
      ...rest,
      hour: 0,
      get messages() {
        looks++;
        return 2;
      },
      get bytes() {
        looks++;
        return 3;
      },
    });
  }
  looks = 0;
  expect(catalogue.totals()).toEqual({ files: 10_000, messages: 20_000, bytes: 30_000 });
  expect(looks).toBe(0);
});

it('knows the last sequence of half a million files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reto3-catalogue-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const catalogue = new Catalogue(folder);
  for (let sequence = 1; sequence <= 500_000; sequence++) {
    const hour = Math.floor(sequence / 6) * hourMs;
    const path = `${sequence}`;
    catalogue.add({
      kind: 'parquet',
      path,
      sequence,
      first: sequence,
      hour,
      messages: 1,
      bytes: 3,
    });
  }
  expect(catalogue.lastSequence).toBe(500_000);
  expect(catalogue.files[0]?.sequence).toBe(1);
});
