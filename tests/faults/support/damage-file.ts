/** Damages one file in a folder, as a disk or a person might. */
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@reto3/core/testing';

/** Returns a description of the damage. */
export async function damageOneFile(folder: string, random: Random): Promise<string> {
  const name = await chooseFile(folder, random);
  const file = join(folder, name);
  const { size } = await stat(file);
  const how = random.below(4);
  if (how === 0 || size === 0) {
    await rm(file);
    return `${name} deleted`;
  }
  if (how === 1) {
    const bytes = random.below(size);
    await truncate(file, bytes);
    return `${name} cut from ${size} to ${bytes} bytes`;
  }
  const bytes = await readFile(file);
  const at = random.below(size);
  const bit = random.below(8);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  await writeFile(file, bytes);
  return `bit ${bit} of byte ${at} of ${name} flipped`;
}

/** Chooses any file half of the time, and a file weighted by its size otherwise. */
async function chooseFile(folder: string, random: Random): Promise<string> {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const byName = random.next() < 0.5 ? names[random.below(names.length)] : undefined;
  let before = random.below(total);
  const byByte = names.find((_, index) => {
    const size = sizes[index] ?? 0;
    before -= size;
    return before < 0;
  });
  const name = byName ?? byByte;
  if (name === undefined) throw new Error(`got no file in ${folder}`);
  return name;
}
