/** A fault's requirements beyond Node.js. */
import { spawnSync } from 'node:child_process';

/** Why a requirement is missing; undefined if it is met. */
type Need = () => string | undefined;

export function program(name: string): Need {
  return () => {
    const found = spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0;
    return found ? undefined : `${name} is not installed`;
  };
}

/** Mounting and tracing a running process need root. */
export function root(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/** The first missing requirement. */
export function all(...needs: readonly Need[]): Need {
  return () => needs.map((need) => need()).find((reason) => reason !== undefined);
}
