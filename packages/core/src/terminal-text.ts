/**
 * Text of others as a terminal may show it. A terminal obeys control characters: C0 and C1 (0x9B
 * begins a sequence as ESC [ does), and characters that turn the direction of writing make a line
 * look like another. They are shown as escapes (`\x1b`, `\u202e`); line feeds and tabs stay.
 */

// Line and paragraph separators too: some terminals begin a line there.
const obeyed = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Safe in any place of a terminal's lines. */
export function terminalText(text: string): string {
  return text.replaceAll(obeyed, escaped);
}

/** The same on one line, for a cell of a table. */
export function terminalCell(text: string): string {
  return terminalText(text.replaceAll('\t', '\\t').replaceAll('\n', '\\n'));
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}
