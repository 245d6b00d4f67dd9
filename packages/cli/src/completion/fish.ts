/** Completion for fish, with descriptions. */
import type { CommandVocabulary, Flag, Values } from './vocabulary.ts';

export function fishScript(commands: readonly CommandVocabulary[]): string {
  return `${functions}
complete -c reto3 -f
${commands
  .flatMap((command) => [
    `complete -c reto3 -n __reto3_at_command -a ${command.name} -d ${quoted(command.summary)}`,
    ...argumentLines(command),
    ...command.flags.map((flag) => flagLine(command.name, flag)),
  ])
  .join('\n')}
complete -c reto3 -s h -l help -d 'Show help'
`;
}

function argumentLines({ name, args, flags }: CommandVocabulary): string[] {
  const valued = flags.flatMap(({ names, values }) => (values === undefined ? [] : names));
  return args.flatMap((values, position) => {
    const condition = ['__reto3_at', name, position, ...valued].join(' ');
    const offered = offeredBy(values);
    return offered === '' ? [] : [`complete -c reto3 -n ${quoted(condition)}${offered}`];
  });
}

function flagLine(command: string, { names, description, values }: Flag): string {
  const forms = names
    .map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
    .join(' ');
  const value = values === undefined ? '' : ` ${values.files ? '-r' : '-x'}${offeredBy(values)}`;
  const condition = quoted(`__reto3_at ${command}`);
  return `complete -c reto3 -n ${condition} ${forms}${value} -d ${quoted(description)}`;
}

function offeredBy({ words, files }: Values): string {
  return `${words.length === 0 ? '' : ` -a ${quoted(words.join(' '))}`}${files ? ' -F' : ''}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

const functions = `function __reto3_at_command
  test (count (commandline -opc)) -eq 1
end

# Whether the words before the cursor begin with this command and, with a position, have that many
# arguments. The other words are the flags that take a value.
function __reto3_at -a command position
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test $words[2] = $command; or return 1
  test -n "$position"; or return 0
  set -l arguments 0
  set -l isValue 0
  for word in $words[3..]
    if test $isValue = 1
      set isValue 0
    else if contains -- $word $argv[3..]
      set isValue 1
    else if not string match -q -- '-*' $word
      set arguments (math $arguments + 1)
    end
  end
  test $arguments = $position
end
`;
