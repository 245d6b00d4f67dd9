import { expect, it } from 'vitest';
import { prettyLine } from './log.ts';

const command = '\u001b]52;c;aGk=\u0007\u009b2J\u202e';
const shown = String.raw`\x1b]52;c;aGk=\x07\x9b2J\u202e`;

it('escapes control characters of clients on a terminal', async () => {
  const line = JSON.stringify({
    level: 50,
    time: 0,
    msg: `${command}\nERROR: forged`,
    url: command,
    err: { type: 'Error', message: command, stack: `Error: ${command}\n    at ${command}` },
  });
  const text = (await prettyLine())(line);
  expect(text).toContain(`${shown}\\nERROR: forged\n`);
  expect(text).toContain(`Error: ${shown}\n`);
  for (const obeyed of ['\u001b', '\u0007', '\u009b', '\u202e']) expect(text).not.toContain(obeyed);
});
