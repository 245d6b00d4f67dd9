/**
 * Names the server that holds an archive, so that a reader can tell whether the archive at a path is
 * that of the server it asks: another machine may have one at the same path. Each start of a server
 * writes a new name; the number of the folder tells it from a copy.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { holderFile } from './layout.ts';

/** Writes a new name into the folder and returns it. @throws file system errors */
export function nameHolder(folder: string): string {
  writeFileSync(join(folder, holderFile), `${randomUUID()}\n`);
  return readHolder(folder);
}

/** The name of the newest server that held the archive. @throws file system errors */
export function readHolder(folder: string): string {
  const name = readFileSync(join(folder, holderFile), 'utf8').trim();
  return `${name}/${statSync(folder, { bigint: true }).ino}`;
}
