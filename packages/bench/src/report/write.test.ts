import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { clusterSuite, productionSuite, serverSuite } from '../run.ts';
import { renderReport } from './write.ts';

const docs = fileURLToPath(new URL('../../../../docs', import.meta.url));
const results = fileURLToPath(new URL('../../results', import.meta.url));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-report-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** The charts by file name; empty if the page has none. */
async function chartsIn(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder).catch(() => []);
  const charts = names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(charts));
}

it.each([serverSuite.page, productionSuite.page, clusterSuite.page])(
  'the page $name and its charts show what the JSON of its last run holds',
  async (page) => {
    const pages = await temporaryFolder();
    const document = `${page.name}.md`;
    await copyFile(join(docs, document), join(pages, document));
    await renderReport(page, { pages, results });
    expect(await readFile(join(pages, document), 'utf8')).toBe(
      await readFile(join(docs, document), 'utf8'),
    );
    expect(await chartsIn(join(pages, page.name))).toEqual(await chartsIn(join(docs, page.name)));
  },
);

it('a page without results is not written', async () => {
  const folder = await temporaryFolder();
  const rendering = renderReport(serverSuite.page, { pages: folder, results: folder });
  await expect(rendering).rejects.toThrow('cannot read');
});
