import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { hourMs } from './layout.ts';

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
