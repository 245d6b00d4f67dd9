/**
 * Reads bearer tokens. They come from files, because every user of a machine can read its command
 * lines. Error messages name the file and never quote its content.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, Reto3Error } from './errors.ts';

/**
 * The token in a file, trimmed.
 * @param flag the flag that names the file, without dashes
 * @param hint the cure, if it differs from the code's own
 * @param minLength in characters; for tokens that guard this server
 * @throws Reto3Error RETO3_BAD_SETTING if the file is unreadable or empty, or if the token is too
 * short or cannot be sent in a header
 */
export async function readToken(
  flag: string,
  file: string,
  hint?: string,
  minLength = 1,
): Promise<string> {
  const bad = (message: string, cause?: unknown): Reto3Error =>
    new Reto3Error('RETO3_BAD_SETTING', message, { cause, ...(hint !== undefined && { hint }) });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw bad(`cannot read --${flag} "${file}": ${messageOf(error)}`, error);
  });
  const token = text.trim();
  if (token === '') throw bad(`got an empty --${flag} "${file}", want a token in it`);
  if (!/^[ -~]+$/.test(token))
    throw bad(`cannot use --${flag} "${file}": want one line of printable ASCII`);
  if (token.length < minLength) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got a token of ${token.length} characters in --${flag} "${file}", want at least ${minLength}`,
      { hint: 'make one with: openssl rand -base64 24' },
    );
  }
  return token;
}
