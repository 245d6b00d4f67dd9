/** Writes a table into its document, below the marker; the text above stays. */
import { readFile, writeFile } from 'node:fs/promises';
import { provenance } from '../support/provenance.ts';
import { printTable, type TableRow } from './table.ts';

export interface Document {
  /** Relative to the root of the clone. */
  readonly file: string;
  /** The command that writes the table. */
  readonly command: string;
}

export async function keepTable(
  { file, command }: Document,
  rows: readonly TableRow[],
): Promise<void> {
  const marker = `<!-- ${command} writes everything below this line -->`;
  const place = new URL(`../../${file}`, import.meta.url);
  const text = await readFile(place, 'utf8');
  const end = text.indexOf(marker);
  if (end === -1) throw new Error(`got no line "${marker}" in ${file}`);
  await writeFile(
    place,
    `${text.slice(0, end)}${marker}\n\n${provenance()}\n\n${printTable(rows)}\n`,
  );
}
