import { expect, it, vi } from 'vitest';
import type { Client } from './client.ts';
import { CountingStart } from './counting-start.ts';
import type { Series } from './series.ts';

const newestMs = Date.UTC(2016, 4, 28, 11, 11);

it('searches the cluster again after an answer that failed', async () => {
  const stats = vi
    .fn()
    .mockRejectedValueOnce(new Error('cut off'))
    .mockResolvedValue({ starts: [newestMs - 600_000] });
  const client = { selector: { scope: 'cluster' }, stats } as unknown as Client;
  const start = new CountingStart(client);
  const newest = { from: newestMs - 60_000, starts: [newestMs] } as unknown as Series;
  expect(start.at(60_000, newest)).toBeUndefined();
  await vi.waitUntil(() => {
    start.at(60_000, newest);
    return stats.mock.calls.length === 2;
  });
  await vi.waitUntil(() => start.at(60_000, newest) === newestMs - 600_000);
});
