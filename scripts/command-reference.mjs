/**
 * docs/cli.md: what every command says of itself with --help. Part of `npm run check`, which fails
 * where it is not current, and where a command has no example.
 *
 * `node scripts/command-reference.mjs --write` writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setup } from './setup.mjs';

const file = 'docs/cli.md';
const cliFolder = join(root, 'packages', 'cli');
/** Of the help: as wide as a page of Markdown shows without scrolling, whatever the terminal. */
const helpColumns = 100;

const introduction = `# Command reference

What \`reto3 COMMAND --help\` says. Written by \`node scripts/command-reference.mjs --write\`; \`npm run check\` fails where
it is not current. From the root of a clone, \`reto3\` is \`npx reto3\`.

Exit codes: 0 done · 1 failed · 2 usage · 3 server not reachable · 4 no data in the range · 5 a check or threshold failed ·
130 interrupted. Data goes to stdout, everything else to stderr. Every error ends with its code, and is a JSON object with
\`--json\` and \`--format json\`. All codes and their cures: [errors.md](errors.md).

A range in which nothing was counted is exit code 4 (\`stats\`, \`export\`, \`report\`, \`bursts\`, \`whatif\`): a script that expects
counts should stop there. An answer of \`query\` without a row is exit code 0, since no rows is what a statement may well ask
for. With \`--follow\`, a range that is still empty is waited for.

A follow that loses its server says so on stderr, goes on trying, and says when the server is back; it misses no window.
Ctrl-C, SIGTERM and SIGHUP end it with 130.

A time, as \`--from\` and \`--to\` take it, is ISO 8601 (UTC where it names no zone), an age such as 5m, or a number: ten digits
are epoch seconds, twelve and more are epoch milliseconds, and 0 is the beginning. Other numbers are refused, since their
unit is in doubt: 20160528 is a date without its dashes. The query API reads times in the same way.
`;

async function commandReference() {
  Object.assign(process.env, { OCLIF_COLUMNS: String(helpColumns), NO_COLOR: '1' });
  delete process.env.FORCE_COLOR;
  const { CommandHelp, Config } = createRequire(join(cliFolder, 'package.json'))('@oclif/core');
  const config = await Config.load({ root: cliFolder });
  const commands = config.commands
    .filter(({ hidden }) => !hidden)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const bare = commands.filter(({ examples = [] }) => examples.length === 0).map(({ id }) => id);
  // Comes with oclif.
  const without = bare.filter((id) => id !== 'help');
  if (without.length > 0) throw new Error(`commands without an example: ${without.join(', ')}`);
  const sections = commands.map((command) => {
    const help = new CommandHelp(command, config, { maxWidth: helpColumns }).generate();
    return `## reto3 ${command.id.replaceAll(':', ' ')}\n\n\`\`\`\n${help.trim()}\n\`\`\`\n`;
  });
  const list = commands
    .map(({ id, summary, description }) => {
      const name = id.replaceAll(':', ' ');
      const anchor = `reto3-${name.replaceAll(' ', '-')}`;
      return `| [\`reto3 ${name}\`](#${anchor}) | ${(summary ?? description).replace('<%= config.bin %>', 'reto3').replace(/\.$/, '')} |`;
    })
    .join('\n');
  return [introduction, `| command | |\n| --- | --- |\n${list}\n`, ...sections].join('\n');
}

/** Leaves the process where docs/cli.md is not what the commands say. */
export async function checkCommandReference() {
  if (readFileSync(join(root, file), 'utf8') === (await commandReference())) return;
  console.error(`reto3: ${file} is not current: node scripts/command-reference.mjs --write`);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setup();
  if (process.argv.includes('--write')) writeFileSync(join(root, file), await commandReference());
  else await checkCommandReference();
}
