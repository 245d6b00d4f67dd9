/** A burst of one path among requests for many. */
import type { Bursts } from '@reto3/client/answers';
import { exchange } from './raw-http.ts';

export const burst = 400;
export const others = 300;

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
}

/** Requests twenty paths in turn, one every few milliseconds, and another one 400 times at once. */
export async function sendBurst(port: number): Promise<void> {
  const pieces = Array.from({ length: others }, (_, index) => get(`/page/${index % 20}`));
  pieces.splice(others / 2, 0, get('/checkout').repeat(burst));
  await exchange(port, pieces, others + burst);
}

/** The burst with the most messages. */
export function largestOf({ bursts }: Bursts): Bursts['bursts']['list'][number] | undefined {
  return bursts.list.toSorted((a, b) => b.total - a.total)[0];
}
