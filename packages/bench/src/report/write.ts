/** Writes a report as a page with charts, and as JSON. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chartsOf } from './charts.ts';
import { emptyDocument, markdownOf, replaceResults } from './markdown.ts';
import type { Page } from './page.ts';
import { joined, type Report } from './report.ts';

export interface Places {
  /** The folder of the page; charts go into a subfolder. */
  readonly pages: string;
  /** Folder of the JSON. */
  readonly results: string;
}

/** @param before whose findings to keep where this run did not measure them */
export async function writeReport(
  measured: Report,
  page: Page,
  { pages, results }: Places,
  before: Report | undefined,
): Promise<void> {
  const json = join(results, `${page.name}.json`);
  const report = before === undefined ? measured : joined(before, measured);
  await mkdir(results, { recursive: true });
  await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`);
  await writePage(report, page, pages);
}

/** Writes the page and its charts again from the last run's JSON. */
export async function renderReport(page: Page, { pages, results }: Places): Promise<void> {
  const report = await lastReport(page, results);
  if (report === undefined)
    throw new Error(`cannot read ${page.name}.json in ${results}: run ${page.command} first`);
  await writePage(report, page, pages);
}

async function writePage(report: Report, page: Page, pages: string): Promise<void> {
  const { name, command } = page;
  const charts = chartsOf(report.results);
  await rm(join(pages, name), { recursive: true, force: true });
  await mkdir(pages, { recursive: true });
  if (charts.size > 0) await mkdir(join(pages, name), { recursive: true });
  const links = new Map<string, string>();
  for (const [id, svg] of charts) {
    const file = `${name}/${id}.svg`;
    await writeFile(join(pages, file), svg);
    links.set(id, file);
  }
  const document = join(pages, `${name}.md`);
  const text = existsSync(document) ? await readFile(document, 'utf8') : emptyDocument(command);
  const tables = markdownOf(report, page, links);
  await writeFile(document, replaceResults(text, command, tables));
}

/** The last report in a folder of results; undefined if none has been written. */
export async function lastReport(page: Page, results: string): Promise<Report | undefined> {
  try {
    // This program wrote the file, so its type is known.
    return JSON.parse(await readFile(join(results, `${page.name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}
