import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { drawOn, guardTerminal } from './standard-streams.ts';

function output(isTTY: boolean): PassThrough & { isTTY: boolean } {
  return Object.assign(new PassThrough(), { isTTY });
}

const hostile = '\u001b]52;c;aGk=\u0007 \u009b31mRED\r\n';

test('a terminal gets no control characters of others', () => {
  const terminal = output(true);
  guardTerminal(terminal);
  terminal.write(hostile);
  terminal.write(Buffer.from(hostile));
  const shown = '\\x1b]52;c;aGk=\\x07 \\x9b31mRED\\x0d\n';
  expect(String(terminal.read())).toBe(shown + shown);
});

test('characters that come in two pieces are one', () => {
  const terminal = output(true);
  guardTerminal(terminal);
  const bytes = Buffer.from('é\u009b漢');
  for (const byte of bytes) terminal.write(Buffer.of(byte));
  expect(String(terminal.read())).toBe('é\\x9b漢');
  // An incomplete sequence does not hide the text after it.
  terminal.write(bytes.subarray(0, 1));
  terminal.write('next');
  expect(String(terminal.read())).toBe('\ufffdnext');
});

test('drawings keep their sequences', () => {
  const terminal = output(true);
  guardTerminal(terminal);
  drawOn(terminal, '\r\u001b[K');
  expect(String(terminal.read())).toBe('\r\u001b[K');
});

test('who writes is called back', async () => {
  const terminal = output(true);
  guardTerminal(terminal);
  await new Promise((resolve) => terminal.write('a', resolve));
  await new Promise((resolve) => terminal.write('a', 'utf8', resolve));
});

test('pipes and files get every byte', () => {
  const pipe = output(false);
  guardTerminal(pipe);
  const bytes = Buffer.concat([Buffer.from(hostile), Buffer.of(0x9b, 0xff, 0)]);
  pipe.write(bytes);
  drawOn(pipe, 'a');
  expect(pipe.read()).toEqual(Buffer.concat([bytes, Buffer.from('a')]));
});
