/** Runs every fault in turn and prints the table; writes a complete table into its document. */
import { afterAll, expect, test } from 'vitest';
import type { Fault } from './fault.ts';
import { type Document, keepTable } from './report.ts';
import { printTable, type TableRow } from './table.ts';

/** Set by scripts/fault-table.mjs from the command line. */
const {
  RETO3_FAULTS_ONLY: only,
  RETO3_FAULTS_ROUNDS: rounds,
  RETO3_TEST_ALL: mustRunAll,
} = process.env;

export function runFaults(faults: readonly Fault[], document: Document): void {
  const chosen = faults.filter(({ name }) => only === undefined || only.split(',').includes(name));
  if (chosen.length === 0) {
    const names = faults.map(({ name }) => name).join(', ');
    process.stderr.write(`reto3: got --only "${only}", want some of ${names}\n`);
  }
  const rows: TableRow[] = [];

  test.each([...chosen])('$name', async (fault) => {
    const row = await rowOf(fault);
    rows.push(row);
    process.stdout.write(`${fault.name}: ${row.figure} (pass: ${row.pass})\n`);
    expect(row.pass, row.figure).not.toBe('no');
  });

  afterAll(async () => {
    process.stdout.write(`\n${printTable(rows)}\n`);
    if (only === undefined && rounds === undefined) await keepTable(document, rows);
  });
}

async function rowOf(fault: Fault): Promise<TableRow> {
  const { promise, fault: injected } = fault;
  const row = { promise, fault: injected, runs: '0' };
  const missing = fault.missing?.();
  if (missing !== undefined) {
    const pass = mustRunAll === '1' ? 'no' : 'skipped';
    return { ...row, figure: `${fault.name} did not run: ${missing}`, pass };
  }
  try {
    const finding = await fault.run(rounds === undefined ? fault.rounds : Number(rounds));
    return {
      ...row,
      runs: String(finding.runs),
      figure: finding.figure,
      pass: finding.pass ? 'yes' : 'no',
    };
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${fault.name}: ${reason}\n`);
    return { ...row, figure: `failed: ${reason.split('\n')[0]}`, pass: 'no' };
  }
}
