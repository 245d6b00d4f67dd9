/** The pages of docs that begin with a file of yours: every command on them runs and answers. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'packages/cli/bin/reto3.js');
const startMs = Date.parse('2016-05-28T11:11:11Z');
const count = 3_000;

/** Repeatable gaps of 1 to 39 ms. */
const times: number[] = [];
for (let index = 0; index < count; index++)
  times.push((times.at(-1) ?? startMs) + 1 + ((index * 7_919 + 13) % 39));

const files = {
  'access.log': times.map(
    (at, index) =>
      `192.0.2.${index % 7} - - [28/May/2016:11:11:11 +0000] "GET /${index % 5} HTTP/1.1" 200 1 "-" "curl/8.5.0" ${(at / 1_000).toFixed(3)} 0.001`,
  ),
  'results.jtl': [
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,success',
    ...times.map((_, index) => `${startMs + 2 * index},1,Home,200,OK,T 1-1,true`),
  ],
  'trace.csv': [
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    ...times.map((at) => `${new Date(at).toISOString().replace('T', ' ').slice(0, -1)}0000,10,20`),
  ],
  'BurstGPT_1.csv': [
    'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
    ...times.map((at) => `${Math.floor((at - startMs) / 1_000)},ChatGPT,10,20,30,API log`),
  ],
  'trace.jsonl': times.map(
    (at) => `{"timestamp": ${at - startMs}, "input_length": 10, "output_length": 20}`,
  ),
  'app.json': times.map((at) =>
    JSON.stringify({ time: new Date(at).toISOString(), method: 'GET', path: '/a', status: 200 }),
  ),
};

/** Commands that judge the files above: two files differ, and one is not a Poisson process. */
const verdicts: readonly (readonly [command: RegExp, status: number])[] = [
  [/^diff sent/, 1],
  [/--expect poisson/, 5],
];

/** The commands in a page's code blocks; a command may span lines in quotes. */
function commandsOn(page: string): string[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```\n(.*?)^```$/gms)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.trimEnd().split(/\n(?=npx |diff )/));
}

test.each(['load-generator.md', 'rate-limit.md', 'incident.md', 'traces.md'])(
  '%s',
  { timeout: 240_000 },
  async (page) => {
    const folder = await temporaryFolder();
    for (const [name, lines] of Object.entries(files))
      writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    const commands = commandsOn(page);
    expect(commands.length).toBeGreaterThan(3);
    for (const command of commands) {
      // Only a signal ends it; view.test.ts tests it.
      if (command.startsWith('npx reto3 view')) continue;
      const run = command.replaceAll('npx reto3', `'${process.execPath}' '${cli}'`);
      const { status, stdout, stderr } = spawnSync('sh', ['-c', run], {
        cwd: folder,
        encoding: 'utf8',
      });
      const [, wanted = 0] = verdicts.find(([judges]) => judges.test(command)) ?? [];
      expect({ command, status, stderr }).toMatchObject({ command, status: wanted });
      if (!/ > |^diff|import/.test(command)) expect(stdout, command).not.toBe('');
    }
  },
);
