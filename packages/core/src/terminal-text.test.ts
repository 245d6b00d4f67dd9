import { expect, test } from 'vitest';
import { singleLine, terminalCell, terminalText } from './terminal-text.ts';

test.each([
  ['C0', '\u001b]52;c;aGk=\u0007', '\\x1b]52;c;aGk=\\x07'],
  ['C1', '\u009b31mRED', '\\x9b31mRED'],
  ['a carriage return', 'good\rbad', 'good\\x0dbad'],
  ['backspace and delete', 'a\b\u007f', 'a\\x08\\x7f'],
  ['direction', 'a\u202eb\u2066c\u200fd\u061ce', 'a\\u202eb\\u2066c\\u200fd\\u061ce'],
  ['separators', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
])('%s is shown, not obeyed', (_, text, shown) => {
  expect(terminalText(text)).toBe(shown);
});

test('other text is unchanged', () => {
  const text = 'lines\n\tÅ ñ 漢字 שלום 👩‍👩‍👧 \u00a0█\n';
  expect(terminalText(text)).toBe(text);
});

test('a cell has one line', () => {
  expect(terminalCell('a\nb\tc\u001b')).toBe('a\\nb\\tc\\x1b');
});

test('a single line has none of the lines that its text had', () => {
  expect(singleLine('all is well\nreto3: no\r\nreally\n')).toBe('all is well reto3: no really ');
});
