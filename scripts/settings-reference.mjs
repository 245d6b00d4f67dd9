/**
 * Generates the table in docs/settings.md from the server's settings. `npm run check` fails if it
 * is outdated.
 *
 * `node scripts/settings-reference.mjs --write` updates it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setup } from './setup.mjs';

const file = 'docs/settings.md';
const head =
  '| setting | unit | default | more of it | less of it |\n| --- | --- | --- | --- | --- |\n';

/** @returns {Promise<string>} docs/settings.md with the current table */
async function currentDocument() {
  const { resolve } = createRequire(join(root, 'packages', 'cli', 'package.json'));
  const { settings } = await import(pathToFileURL(resolve('@reto3/server/settings')).href);
  const rows = Object.values(settings).map(
    ({ flag, unit, fallback = 'none', fallbackText, more, less }) => {
      const value = fallbackText ?? (fallback === 'false' ? 'off' : fallback);
      const cells = [`\`--${flag}\``, unit, value, more ?? '', less ?? ''];
      return `|${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}\n`;
    },
  );
  const document = readFileSync(join(root, file), 'utf8');
  const [before, table] = document.split(head);
  if (table === undefined) throw new Error(`${file} has no table of settings`);
  return `${before}${head}${rows.join('')}${table.replace(/^(?:\|.*\n)*/, '')}`;
}

/** Exits if the table is outdated. */
export async function checkSettingsReference() {
  if (readFileSync(join(root, file), 'utf8') === (await currentDocument())) return;
  console.error(`reto3: ${file} is outdated: run node scripts/settings-reference.mjs --write`);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  if (process.argv.includes('--write')) writeFileSync(join(root, file), await currentDocument());
  else await checkSettingsReference();
}
