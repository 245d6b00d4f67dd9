/** An anchor in memory, for tests whose store is in memory. */
import type { Anchor } from '../store/anchor.ts';

export function memoryAnchor(): Anchor {
  let last: number | undefined;
  return {
    read: async () => last,
    write: async (writes) => {
      last = writes;
    },
  };
}
