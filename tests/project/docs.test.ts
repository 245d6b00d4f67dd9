/**
 * Checks the documentation against the project: its links, commands, flags, scripts and file names.
 * The tests of each feature run the examples that show output.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

const markdownIn = (folder: string, recursive = true): string[] =>
  readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const documents = markdownIn('docs');
const readmes = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`);
const pages = [...markdownIn('.', false), ...documents, ...markdownIn('.github'), ...readmes];
const reference = textOf('docs/cli.md');

/** The anchors that GitHub makes from a page's headings. */
function anchorsIn(file: string): string[] {
  const headings = textOf(file).matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const withoutCode = (text: string): string =>
  text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, 'code');

/** Removes the generated parts: between two markers, or from one to the end of the page. */
const withoutResults = (text: string): string =>
  text.replaceAll(/^<!-- .*\b(?:writes|written)\b.*?(?:^<!-- end of|(?![\s\S]))/gms, '');

/** Links with a missing target. */
function brokenLinks(file: string): string[] {
  const links = withoutCode(textOf(file)).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links]
    .map(([, target = '']) => target)
    .filter((target) => !/^(https?|mailto):/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(root, to))) return true;
      return anchor !== undefined && !anchorsIn(to).includes(anchor);
    });
}

/** All code on a page: the lines of its blocks, with continued lines joined, and its `spans`. */
function codeIn(file: string): string[] {
  const text = textOf(file);
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const spans = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`]+)`/g)];
  return [
    ...blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, ' ').split('\n')),
    ...spans.map(([, span = '']) => span.replaceAll(/\s+/g, ' ')),
  ];
}

/** Calls of `reto3` with a command or flag that does not exist. */
function refusedCommands(file: string): string[] {
  return codeIn(file)
    .flatMap((line) => line.split(/ [|&]+ |; |\s#\s/))
    .map((call) => /^(?:\$ )?(?:npx |\S*compose .*? exec \w+ )?reto3 (.+)$/.exec(call)?.[1])
    .filter((call) => call !== undefined)
    .filter((call) => {
      const [command = ''] = call.split(/\s+/);
      if (/^(--|COMMAND|\w+ is|\d)/.test(call)) return false;
      const [, section] = reference.split(new RegExp(`^## reto3 ${command}$`, 'm'));
      if (section === undefined) return true;
      const [help = ''] = section.split(/^## /m);
      const flags = call.replaceAll(/"[^"]*"/g, '').match(/(?<= )--[a-z][a-z0-9-]*/g) ?? [];
      return flags.some((flag) => flag !== '--help' && !new RegExp(`${flag}(?![\\w-])`).test(help));
    });
}

function scriptsMissing(file: string): string[] {
  const { scripts } = JSON.parse(textOf('package.json'));
  return codeIn(file)
    .flatMap((line) => [...line.matchAll(/\bnpm run ([a-z:-]+)/g)])
    .map(([, name = '']) => name)
    .filter((name) => !(name in scripts));
}

/** Files and folders of this repository that a page names but that do not exist. */
function filesMissing(file: string): string[] {
  const named = codeIn(file).filter((code) =>
    /^(tests|packages|scripts|docs|deploy|docker|tsung)\/[\w./-]+$/.test(code),
  );
  // A package's README names its own files.
  const own = file.startsWith('packages/')
    ? [...textOf(file).matchAll(/\bsrc\/[\w/-]+\.ts\b/g)].map(([path]) => join(dirname(file), path))
    : [];
  return [...named, ...own].filter((path) => !existsSync(join(root, path)));
}

describe.each(pages)('%s', (file) => {
  it('links to pages and headings that exist', () => {
    expect(brokenLinks(file)).toEqual([]);
  });

  it('names commands, flags, scripts and files that exist', () => {
    expect([...refusedCommands(file), ...scriptsMissing(file), ...filesMissing(file)]).toEqual([]);
  });

  it.skipIf(['docs/cli.md', 'docs/licences.md'].includes(file))(
    'has lines up to 100 characters',
    () => {
      const prose = withoutResults(textOf(file))
        // Outputs may be wider.
        .replaceAll(/^```\n.*?^```$/gms, '')
        .split('\n')
        .filter((line) => !/^(\||!\[)/.test(line));
      expect(prose.filter((line) => line.length > 100)).toEqual([]);
    },
  );
});

it('docs/README.md lists every page', () => {
  const index = textOf('docs/README.md');
  const unlisted = documents
    .filter((file) => file !== 'docs/README.md')
    .filter((file) => !index.includes(`(${file.slice('docs/'.length)}`));
  expect(unlisted).toEqual([]);
});

it("CONTRIBUTING.md's example of a bug report is a test that runs", () => {
  const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(textOf('CONTRIBUTING.md')) ?? [];
  expect(textOf('tests/server/query-string.test.ts').replace(/^\/\*\*.*\n/, '')).toBe(example);
});

it('ARCHITECTURE.md names files that exist', () => {
  const missing: string[] = [];
  for (const section of textOf('ARCHITECTURE.md').split(/^## /m)) {
    const [, name = ''] = /^(\w+): /.exec(section) ?? [];
    const sources = join('packages', name, 'src');
    if (name === '' || !existsSync(join(root, sources))) continue;
    // A file without a folder is beside the previous one, or in `src` itself.
    let folder = '';
    for (const [, file = ''] of section.matchAll(/`([\w./-]+\.ts)`/g)) {
      if (file.includes('/')) folder = dirname(file);
      const places = [join(sources, file), join(sources, folder, file)];
      if (!places.some((place) => existsSync(join(root, place)))) missing.push(`${name}: ${file}`);
    }
  }
  expect(missing).toEqual([]);
});
