import type { Windows } from './windows.ts';

/** Consecutive windows, gaps included; the first one starts at `start` (epoch ms). */
export interface Chunk {
  readonly start: number;
  readonly windows: Windows;
}
