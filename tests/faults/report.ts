/** Keeps the table in docs/reliability.md, below what is written there by hand. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { printTable, type TableRow } from './table.ts';

const file = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
const marker = '<!-- npm run faults writes everything below this line -->';

export async function keepTable(rows: readonly TableRow[]): Promise<void> {
  const text = await readFile(file, 'utf8');
  const end = text.indexOf(marker);
  if (end === -1) throw new Error(`got no line "${marker}" in docs/reliability.md`);
  await writeFile(
    file,
    `${text.slice(0, end)}${marker}\n\n${provenance()}\n\n${printTable(rows)}\n`,
  );
}

function provenance(): string {
  const [processor] = cpus();
  const machine = [
    `${availableParallelism()} cores of ${processor?.model ?? 'an unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node.js ${process.versions.node}`,
  ].join(', ');
  return `Run on ${new Date().toISOString().slice(0, 10)}, commit ${commit()}, on ${machine}.`;
}

/** With a plus where something in the sources was not committed. */
function commit(): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { encoding: 'utf8' }).stdout.trim();
  const dirty =
    git('status', '--porcelain', '--', 'packages/server', 'packages/cli', 'tests') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${dirty ? '+' : ''}`;
}
