import type { Windows } from './windows.ts';

/** Consecutive windows, gaps included, of which the first starts at `start` (epoch ms). */
export interface Chunk {
  readonly start: number;
  readonly windows: Windows;
}
