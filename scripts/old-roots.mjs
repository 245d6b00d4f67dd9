/**
 * Deletes roots of older recipes once they have been unused for a week. debian-root.mjs makes the
 * roots; this file is separate, since any change to that one invalidates every root.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const oldMs = 7 * 24 * 60 * 60_000;

/** Whether the folder is the root of a process, or contains a mount. */
export function isInUse(folder) {
  const mountPoints = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  if (mountPoints.some((point) => point === folder || point.startsWith(`${folder}/`))) return true;
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/root`) === folder;
    } catch {
      // The process has ended, or it is a kernel thread.
      return false;
    }
  });
}

/**
 * Marks a root as used, with its modification time, and deletes old roots beside it.
 * @param {string} wanted
 * @param {number} nowMs epoch ms
 * @param {(folder: string) => boolean} inUse
 */
export function removeOldRoots(wanted, nowMs = Date.now(), inUse = isInUse) {
  utimesSync(wanted, nowMs / 1_000, nowMs / 1_000);
  const cache = dirname(wanted);
  for (const name of readdirSync(cache)) {
    if (!name.startsWith('debian-') || name === basename(wanted)) continue;
    const folder = join(cache, name);
    const wantedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? nowMs;
    if (nowMs - wantedMs > oldMs && !inUse(folder))
      rmSync(folder, { recursive: true, force: true });
  }
}
