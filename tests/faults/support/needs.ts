/** What a fault needs of the machine beyond Node.js. */
import { spawnSync } from 'node:child_process';

/** Why something cannot be had; undefined where it can. */
type Need = () => string | undefined;

export function program(name: string): Need {
  return () => {
    const found = spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0;
    return found ? undefined : `${name} is not installed`;
  };
}

/** Mounting, and tracing a process that runs, are the system administrator's. */
export function root(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/** The first that cannot be had. */
export function all(...needs: readonly Need[]): Need {
  return () => needs.map((need) => need()).find((reason) => reason !== undefined);
}
