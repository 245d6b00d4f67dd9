/** Writes the tables of docs/hostile.md, each between the markers of its section. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { provenance } from '../support/provenance.ts';

const file = fileURLToPath(new URL('../../docs/hostile.md', import.meta.url));

export async function keepSection(name: string, text: string): Promise<void> {
  const begin = `<!-- npm run hostile writes: ${name} -->\n`;
  const end = `<!-- end of ${name} -->`;
  const page = await readFile(file, 'utf8');
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (from < begin.length || to < from)
    throw new Error(`got no section between "${begin.trim()}" and "${end}" in docs/hostile.md`);
  await writeFile(file, `${page.slice(0, from)}\n${provenance()}\n\n${text}\n\n${page.slice(to)}`);
}
