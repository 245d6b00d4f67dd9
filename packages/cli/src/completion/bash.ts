/**
 * Completion for bash, and for zsh, which loads the same functions. The script contains all words,
 * so a Tab starts no process.
 */
import type { CommandVocabulary, Values } from './vocabulary.ts';

/** Stands for file names. */
const files = '@files';

export function bashScript(commands: readonly CommandVocabulary[]): string {
  const branches = commands.flatMap(({ name, args, flags }) => [
    branch(`${name} flags`, [...flags.map(({ names }) => names[0]), '--help']),
    branch(
      `${name} valued`,
      flags.flatMap(({ names, values }) => (values === undefined ? [] : names)),
    ),
    ...args.map((values, position) => branch(`${name} ${position}`, wordsOf(values))),
    ...flags.flatMap(({ names, values }) =>
      values === undefined
        ? []
        : branch(names.map((flag) => `${name} ${flag}`).join("' | '"), wordsOf(values)),
    ),
  ]);
  return `${functions}
_reto3_words() {
  case "$1\${2:+ $2}" in
    ${[branch('', [...commands.map(({ name }) => name), '--help', '--version']), ...branches]
      .filter((line) => line !== '')
      .join('\n    ')}
  esac
}

complete -F _reto3 reto3
`;
}

export function zshScript(commands: readonly CommandVocabulary[]): string {
  return `#compdef reto3
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
autoload -Uz +X bashcompinit && bashcompinit

${bashScript(commands)}
# If the file is in a folder of $fpath, the first Tab runs it as a function.
if [[ $funcstack[1] == _reto3 ]]; then _bash_complete -F _reto3; fi
`;
}

function wordsOf({ words, files: withFiles }: Values): string[] {
  return withFiles ? [...words, files] : [...words];
}

function branch(pattern: string, words: readonly string[]): string {
  return words.length === 0 ? '' : `'${pattern}') printf '%s\\n' ${words.join(' ')} ;;`;
}

const functions = `_reto3() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} flag='' command='' prefix='' position=0 i word words
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash makes three words of --flag=value.
    if [[ $word == '=' ]]; then continue
    elif [[ $flag && $word != -?* ]]; then flag=''
    elif [[ ! $command ]]; then command=$word
    elif [[ $word == -* ]]; then
      flag=''
      [[ $'\\n'$(_reto3_words "$command" valued)$'\\n' == *$'\\n'$word$'\\n'* ]] && flag=$word
    else position=$((position + 1))
    fi
  done
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $cur == --*=* ]]; then flag=\${cur%%=*} prefix=\${cur%%=*}= cur=\${cur#*=}
  fi
  if [[ $flag && ( $prefix || $cur != -* ) ]]; then words=$(_reto3_words "$command" "$flag")
  elif [[ ! $command ]]; then words=$(_reto3_words '')
  elif [[ $cur == -* ]]; then words=$(_reto3_words "$command" flags)
  else words=$(_reto3_words "$command" "$position")
  fi
  COMPREPLY=()
  if [[ $'\\n'$words$'\\n' == *$'\\n'${files}$'\\n'* ]]; then
    words=\${words/${files}/}
    [[ $BASH_VERSION ]] && compopt -o filenames
    COMPREPLY=($(compgen -P "$prefix" -f -- "$cur"))
  fi
  COMPREPLY+=($(compgen -P "$prefix" -W "$words" -- "$cur"))
}
`;
