/** The manual page reto3(1), generated from the help of every command; part of the npm package. */

/** Escapes text for troff: backslashes stay literal, and no line becomes a request. */
function escaped(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');
}

/**
 * @param {string} version
 * @param {{ name: string, summary: string, help: string }[]} commands
 */
export function manPage(version, commands) {
  const list = commands.map(({ name, summary }) => `.TP\nreto3 ${name}\n${escaped(summary)}\n`);
  const sections = commands.map(
    ({ name, help }) => `.SS reto3 ${name}\n.nf\n${escaped(help)}\n.fi\n`,
  );
  return [
    `.TH RETO3 1 "" "reto3 ${version}" "User Commands"\n`,
    '.SH NAME\nreto3 \\- count HTTP requests per 10 ms, second and minute, exactly\n',
    '.SH SYNOPSIS\n.B reto3\n.I command\n[arguments] [flags]\n',
    `.SH COMMANDS\n${list.join('')}`,
    '.SH EXIT STATUS\n0 done, 1 failed, 2 usage, 3 server not reachable, 4 no data in the range,\n',
    '5 a check or threshold failed, 130 interrupted.\n',
    `.SH HELP\n${sections.join('')}`,
  ].join('');
}
