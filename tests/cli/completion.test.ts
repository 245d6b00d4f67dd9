/** Completion in real shells, with the scripts of `reto3 completion`. */
import { execFileSync } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';

/** Words as the user types them, the last one to complete, and the offers for it. */
const offers: readonly (readonly [words: string[], offered: string[]])[] = [
  [['sta'], ['stats']],
  [
    ['export', ''],
    ['ms10', 'sec', 'min'],
  ],
  [
    ['stats', 'm'],
    ['ms10', 'min'],
  ],
  [
    ['stats', '--f'],
    ['--from', '--follow', '--format'],
  ],
  [
    ['stats', '-n', '5', ''],
    ['ms10', 'sec', 'min'],
  ],
  [
    ['stats', 'sec', '--format', ''],
    ['text', 'csv', 'json', 'ndjson'],
  ],
  [
    ['export', 'sec', '--format', ''],
    ['csv', 'json', 'ndjson'],
  ],
  [['query', '--format', 'p'], ['parquet']],
  [
    ['report', ''],
    [
      ...['lag', 'generated', 'top', 'sizes'],
      ...['by:path', 'by:host', 'by:method', 'by:status', 'by:client'],
    ],
  ],
  [
    ['report', 'top', 'm'],
    ['ms10', 'min'],
  ],
  [['replay', 'co'], ['count']],
  [
    ['serve', '--ack', ''],
    ['memory', 'durable'],
  ],
  [['serve', '--alert-t'], ['--alert-token-file']],
  [['backup', '/etc/hostn'], ['/etc/hostname']],
  [['audit', '--token-file', '/etc/hostn'], ['/etc/hostname']],
  [['audit', '--from', ''], []],
  [
    ['bursts', '--who', ''],
    ['path', 'host', 'method', 'status', 'client'],
  ],
];

/** The path of the script for that shell. */
async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(['completion', shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const file = join(await temporaryFolder(), `reto3.${shell}`);
  await writeFile(file, stdout);
  return file;
}

test('bash completes commands, flags and their values', async () => {
  const script = await scriptFor('bash');
  const completed = (words: readonly string[]): string[] => {
    const line = `source "$0"; COMP_WORDS=(reto3 "$@"); COMP_CWORD=$#; _reto3 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const text = execFileSync('bash', ['-c', line, script, ...words], { encoding: 'utf8' });
    return text.trim().split('\n');
  };
  for (const [words, offered] of offers)
    expect(new Set(completed(words)), words.join(' ')).toEqual(
      new Set(offered.length === 0 ? [''] : offered),
    );
  // --who may stand without a key.
  expect(completed(['bursts', '--who', '--format', 'nd'])).toEqual(['ndjson']);
  expect(completed(['bursts', '--who', '--fail'])).toEqual(['--fail-above']);
  // bash splits --format=n into these words.
  expect(completed(['stats', '--format', '=', 'n'])).toEqual(['ndjson']);
});

requires('fish')('fish completes the same words', async () => {
  const script = await scriptFor('fish');
  // In an empty folder: fish also offers file names.
  const cwd = await temporaryFolder();
  const env = { ...process.env, HOME: cwd, NO_COLOR: '1' };
  for (const [words, offered] of offers) {
    const line = 'source $argv[1]; complete -C $argv[2]';
    const args = ['--no-config', '-c', line, script, ['reto3', ...words].join(' ')];
    const lines = execFileSync('fish', args, { encoding: 'utf8', env, cwd }).trimEnd().split('\n');
    const found = lines.map((text) => text.split('\t', 1).join());
    expect(new Set(found), words.join(' ')).toEqual(new Set(offered.length === 0 ? [''] : offered));
  }
});

/** How a prompt of zsh gets the script $1: from its start file, or from a folder of $fpath. */
const waysIntoZsh = {
  sourced: 'autoload -Uz compinit; compinit -D -u; source $1',
  'in $fpath': 'fpath=($1:h \\$fpath); autoload -Uz compinit; compinit -D -u',
};

for (const [way, load] of Object.entries(waysIntoZsh))
  requires('zsh')(`zsh completes words at its prompt, with the script ${way}`, async () => {
    const script = join(await temporaryFolder(), '_reto3');
    await copyFile(await scriptFor('zsh'), script);
    // Type each, with a Tab, at a new prompt; zpty waits until the rest of the word shows.
    const typed = [
      ['export s', 'sec'],
      ['export sec --format n', 'ndjson'],
      ['stats --format=c', 'csv'],
      ['report g', 'generated'],
      ['report lag mi', 'min'],
      ['serve --ack d', 'durable'],
      ['backup /etc/hostn', 'hostname'],
    ];
    const session = `zmodload zsh/zpty; zpty z zsh -f -i
      zpty -w z "PS1='ready> '; ${load}; echo be''gin"
      zpty -r z out '*begin*'
      shift
      while (( $# )); do
        zpty -w -n z $'\\x15'"reto3 $1"$'\\t'
        zpty -r z out "*$1*\${2#\${1##*[ =/]}}*" && print -r -- "$1 $2"
        shift 2
      done
      zpty -d z`;
    const said = execFileSync('zsh', ['-f', '-c', session, 'zsh', script, ...typed.flat()], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(said.trim().split('\n')).toEqual(typed.map((words) => words.join(' ')));
  });

test('an unknown shell is refused', async () => {
  const { code, stdout, stderr } = await runCli(['completion', 'tcsh']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^reto3: got shell "tcsh", want one of bash, zsh, fish \(for PowerShell /);
});

test('autocomplete says how to give it a cache where it cannot write one', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const { code, stderr } = await runCli(['autocomplete', 'bash'], {
    env: { XDG_CACHE_HOME: file },
  });
  expect([code, stderr]).toEqual([1, expect.stringContaining('[RETO3_FILE_UNWRITABLE]')]);
  expect(stderr).toContain('set XDG_CACHE_HOME');
});
