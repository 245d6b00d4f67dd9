/**
 * Bearer tokens come from files, never from the command line, which every user of the machine can
 * read. Whatever is wrong with one, messages name its file and nothing of what is in it.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, Reto3Error } from './errors.ts';

/**
 * The token in a file, without the white space around it.
 * @param flag the one that names the file, without dashes
 * @param hint the cure, where it is not that of all settings
 * @param leastLength characters, where it is for us to say what a good token is
 * @throws Reto3Error RETO3_BAD_SETTING where the file cannot be read, is empty, holds what no header
 * can carry, or too short a token
 */
export async function readToken(
  flag: string,
  file: string,
  hint?: string,
  leastLength = 1,
): Promise<string> {
  const bad = (message: string, cause?: unknown): Reto3Error =>
    new Reto3Error('RETO3_BAD_SETTING', message, { cause, ...(hint !== undefined && { hint }) });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw bad(`cannot read --${flag} "${file}": ${messageOf(error)}`, error);
  });
  const token = text.trim();
  if (token === '') throw bad(`got an empty --${flag} "${file}", want a token in it`);
  if (!/^[ -~]+$/.test(token))
    throw bad(`cannot use what --${flag} "${file}" holds, want one line of printable ASCII`);
  if (token.length < leastLength) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got a token of ${token.length} characters in --${flag} "${file}", want at least ${leastLength}`,
      { hint: 'make one with: openssl rand -base64 24' },
    );
  }
  return token;
}
