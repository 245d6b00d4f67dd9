/**
 * Makes foreign text safe for a terminal. Terminals obey control characters (C0 and C1; 0x9B starts
 * a sequence like ESC [), and bidirectional controls disguise a line. These are printed as escapes
 * (`\x1b`, `\u202e`); line feeds and tabs stay.
 */

// Includes line and paragraph separators: some terminals start a new line there.
const unsafe = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

export function terminalText(text: string): string {
  return text.replaceAll(unsafe, escaped);
}

/** Foreign text on one line, for a cell of a table. */
export function terminalCell(text: string): string {
  return terminalText(text.replaceAll('\t', '\\t').replaceAll('\n', '\\n'));
}

/** Foreign text on one line, so that it cannot imitate a line of our own output. */
export function singleLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}
