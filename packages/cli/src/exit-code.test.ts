import { readFileSync } from 'node:fs';
import { type ErrorCode, errorHints } from '@reto3/core';
import { httpStatus } from '@reto3/server/src/api/http-status.ts';
import { describe, expect, it } from 'vitest';
import { errorExitCode, exitCode } from './exit-code.ts';

const codes = Object.keys(errorHints) as ErrorCode[];

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

it.each(codes)('ends with a failure after %s, as the query API answers one', (code) => {
  expect(errorExitCode[code]).toBeGreaterThan(0);
  expect(httpStatus[code]).toBeGreaterThanOrEqual(400);
});

it('answers the blame of the caller with exit code 2', () => {
  for (const code of codes) {
    if (httpStatus[code] === 400) expect(errorExitCode[code]).toBe(exitCode.usage);
  }
});

describe('docs/errors.md', () => {
  const document = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(/^\| (RETO3_\w+) \|(.*)\|$/gm)].map(([, code, rest = '']) => {
    const [meaning, cure, status, exit] = rest.split('|').map((cell) => cell.trim());
    return { code, meaning, cure, status: Number(status), exit: Number(exit) };
  });

  it('lists exactly the codes of the table, each once', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual([...codes].sort());
  });

  it.each(codes)('says of %s what it means, its cure, status and exit code', (code) => {
    const row = rows.find((candidate) => candidate.code === code);
    expect(row).toMatchObject({
      cure: errorHints[code],
      status: httpStatus[code],
      exit: errorExitCode[code],
    });
    expect(row?.meaning?.length).toBeGreaterThan(10);
  });
});
