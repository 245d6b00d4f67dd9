import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Catalogue, type KeptFile } from './catalogue.ts';
import { hourMs } from './layout.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(sequence: number, hour: number, messages: number): KeptFile {
  const path = `${sequence}`;
  return {
    ...{ kind: 'parquet', path, sequence, first: sequence, hour: hour * hourMs },
    ...{ messages, bytes: messages * 3 },
  };
}

const step = fc.record({
  action: fc.constantFrom('add', 'forget', 'trim'),
  sequence: fc.integer({ min: 1, max: 30 }),
  messages: fc.nat(100),
});

describe('the catalogue', () => {
  it('has the files in order, with their totals, like a plain map', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const catalogue = new Catalogue(folder);
        const model = new Map<number, KeptFile>();
        for (const { action, sequence, messages } of steps) {
          // A sequence never changes its hour.
          const each = file(sequence, (sequence * 7) % 5, messages);
          if (action === 'add') {
            catalogue.add(each);
            model.set(sequence, each);
          } else if (action === 'forget') {
            catalogue.forget(each);
            model.delete(sequence);
          } else {
            const maxBytes = messages * 10;
            for (const gone of catalogue.trim({ maxBytes, before: 0 }, 0))
              model.delete(gone.sequence);
            expect(catalogue.totals().bytes).toBeLessThanOrEqual(maxBytes);
          }
          const files = [...model.values()].sort(
            (a, b) => a.hour - b.hour || a.sequence - b.sequence,
          );
          expect(catalogue.files).toEqual(files);
          expect(catalogue.totals()).toEqual({
            files: files.length,
            messages: files.reduce((sum, each) => sum + each.messages, 0),
            bytes: files.reduce((sum, each) => sum + each.bytes, 0),
          });
        }
      }),
    );
  });
});
