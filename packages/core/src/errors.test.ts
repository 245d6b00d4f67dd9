import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorKinds, exitCode, messageOf, Reto3Error } from './errors.ts';

const codes = Object.keys(errorKinds) as (keyof typeof errorKinds)[];

describe('Reto3Error', () => {
  it('carries the status, the exit code and the cure of its code', () => {
    const error = new Reto3Error('RETO3_NO_DATA', 'nothing was counted');
    expect(error).toMatchObject({
      name: 'Reto3Error',
      code: 'RETO3_NO_DATA',
      message: 'nothing was counted',
      hint: 'widen the range, or add --open',
      httpStatus: 404,
      exitCode: 4,
    });
    expect('cause' in error).toBe(false);
  });

  it('takes a cure that fits the case better, and the lower failure', () => {
    const cause = new Error('lower');
    const error = new Reto3Error('RETO3_INTERNAL', 'upper', { cause, hint: 'do that' });
    expect(error.hint).toBe('do that');
    expect(error.cause).toBe(cause);
  });
});

describe('messageOf', () => {
  it('gives a text for whatever was thrown', () => {
    expect(messageOf(new RangeError('too far'))).toBe('too far');
    expect(messageOf('a text')).toBe('a text');
    expect(messageOf(undefined)).toBe('undefined');
  });
});

describe('the table of errors', () => {
  it('keeps the exit codes of the contract', () => {
    expect(exitCode).toEqual({
      done: 0,
      failed: 1,
      usage: 2,
      notReachable: 3,
      noData: 4,
      checkFailed: 5,
      interrupted: 130,
    });
  });

  it.each(codes)('%s has a name that scripts can tell, a failing status and a cure', (code) => {
    const kind = errorKinds[code];
    expect(code).toMatch(/^RETO3_[A-Z0-9_]+$/);
    expect(kind.httpStatus).toBeGreaterThanOrEqual(400);
    expect(kind.exitCode).toBeGreaterThan(0);
    expect(kind.hint).toMatch(/^[^.].*[^.]$/);
  });

  it('answers the blame of the caller with exit code 2', () => {
    for (const code of codes) {
      if (errorKinds[code].httpStatus === 400) expect(errorKinds[code].exitCode).toBe(2);
    }
  });
});

describe('docs/errors.md', () => {
  const document = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(/^\| (RETO3_\w+) \|(.*)\|$/gm)].map(([, code, rest = '']) => {
    const [meaning, cure, httpStatus, exit] = rest.split('|').map((cell) => cell.trim());
    return { code, meaning, cure, httpStatus: Number(httpStatus), exitCode: Number(exit) };
  });

  it('lists exactly the codes of the table, each once', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual([...codes].sort());
  });

  it.each(codes)('says of %s what it means, its cure, status and exit code', (code) => {
    const row = rows.find((candidate) => candidate.code === code);
    const { hint, httpStatus, exitCode: exit } = errorKinds[code];
    expect(row).toMatchObject({ cure: hint, httpStatus, exitCode: exit });
    expect(row?.meaning?.length).toBeGreaterThan(10);
  });
});
