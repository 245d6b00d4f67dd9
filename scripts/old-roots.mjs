/**
 * Deletes roots that debian-root.mjs made for another recipe, once no run has wanted them for a week.
 * Not a part of that file: any change of it makes every root anew.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const oldMs = 7 * 24 * 60 * 60_000;

/** Whether a process has that folder for its root, or something is mounted in it. */
export function isInUse(folder) {
  const mountPoints = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  if (mountPoints.some((point) => point === folder || point.startsWith(`${folder}/`))) return true;
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/root`) === folder;
    } catch {
      // It has ended, or is a thread of the kernel.
      return false;
    }
  });
}

/**
 * Notes that a root is wanted, by its time of change, and deletes those beside it that are old.
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
