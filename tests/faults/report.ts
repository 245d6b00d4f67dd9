/** Keeps the table in docs/reliability.md, below what is written there by hand. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { provenance } from '../support/provenance.ts';
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
