/** Writes a report into a folder: performance.md, performance.json, and the charts beside them. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chartsOf } from './charts.ts';
import { markdownOf, replaceResults } from './markdown.ts';
import type { Report } from './report.ts';

const name = 'performance';

export async function writeReport(report: Report, folder: string): Promise<void> {
  const charts = chartsOf(report.results);
  await rm(join(folder, name), { recursive: true, force: true });
  await mkdir(join(folder, name), { recursive: true });
  const links = new Map<string, string>();
  for (const [id, svg] of charts) {
    const file = `${name}/${id}.svg`;
    await writeFile(join(folder, file), svg);
    links.set(id, file);
  }
  const document = join(folder, `${name}.md`);
  const text = await readFile(document, 'utf8');
  await writeFile(document, replaceResults(text, markdownOf(report, links)));
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
}
