import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtInReport } from './built-in/built-in.ts';
import { failedIn, modulesOf } from './stray-failures.ts';

const own = new URL('./worker-reports.ts', import.meta.url).href;
const [first, second] = ['file:///home/me/first.mjs', 'file:///home/me/second.mjs'];
const modules = [
  { report: 'first', names: [first, '/home/me/first.mjs'] },
  { report: 'second', names: [second, '/home/me/second.mjs'] },
];

/** An error that passed through these places, the innermost first. */
function errorIn(...places: readonly string[]): Error {
  const error = new Error('out of order');
  error.stack = ['Error: out of order', ...places.map((place) => `    at ${place}:7:21`)].join(
    '\n',
  );
  return error;
}

function culprit(error: unknown, isRejection: boolean): string | undefined {
  const found = failedIn(error, isRejection, modules);
  return typeof found === 'object' ? `report ${found.report}` : found;
}

describe('a failure that no call passes on', () => {
  it('is that of the report whose module the stack names', () => {
    const inTimer = errorIn(second, 'node:internal/timers');
    expect(culprit(inTimer, false)).toBe('report second');
    expect(culprit(errorIn('/home/me/first.mjs'), false)).toBe('report first');
    // A rejection is made inside the call of the report, which reto3 makes.
    expect(culprit(errorIn(second, own), true)).toBe('report second');
  });

  it('is a bug of reto3 if the stack names only its code, or an exception passed through it', () => {
    expect(culprit(errorIn(own, 'node:events'), true)).toBe('reto3');
    expect(culprit(errorIn(own), false)).toBe('reto3');
    expect(culprit(errorIn(second, own), false)).toBe('reto3');
    expect(culprit(errorIn('node:net'), false)).toBe('reto3');
  });

  it('is unknown if a rejection names neither', () => {
    expect(culprit(errorIn('node:internal/deps/undici/undici'), true)).toBeUndefined();
    expect(culprit(errorIn('file:///home/me/first.mjs2'), true)).toBeUndefined();
    expect(culprit('no error', true)).toBeUndefined();
    const hostile = Object.defineProperty(new Error(), 'stack', {
      get: () => {
        throw new Error('no stack');
      },
    });
    expect(culprit(hostile, true)).toBeUndefined();
  });
});

it('modules are known by URL and path, without links; built-in reports are none', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reto3-stray failures-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [path, link] = [join(folder, 'mine.mjs'), join(folder, 'link.mjs')];
  writeFileSync(path, '');
  symlinkSync(path, link);
  const report = builtInReport('sizes');
  if (report === undefined) throw new Error('BUG: there is no report sizes');
  const mine = { report: { ...report, name: 'mine' }, source: { url: pathToFileURL(link).href } };
  expect(modulesOf([{ report, source: { builtIn: 'sizes' } }, mine])).toEqual([
    { report: 'mine', names: [pathToFileURL(path).href, path] },
  ]);
});
