/** The files that the names of logs stand for: `-` is stdin, and a name may be a pattern. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/**
 * The named files, each once. A shell has already expanded unquoted patterns, so a name that exists
 * is a file, even if it looks like a pattern. A pattern without a file stays, for the error message.
 */
export async function filesOf(names: readonly string[]): Promise<string[]> {
  const files = new Map<string, string>();
  for (const name of names)
    for (const file of await expanded(name)) {
      const path = file === '-' ? file : resolve(file);
      if (!files.has(path)) files.set(path, file);
    }
  return [...files.values()];
}

async function expanded(name: string): Promise<string[]> {
  if (!/[*?[\]{}()!]/.test(name) || (await sizeOf(name)) !== undefined) return [name];
  // Loaded here, because loading takes a while and most names are plain.
  const { glob } = await import('tinyglobby');
  const found = await glob(name, { expandDirectories: false });
  return found.length === 0 ? [name] : found.sort();
}

/** The size in bytes; undefined if it is no regular file. */
export async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
