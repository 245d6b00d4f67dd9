/** Runs `reto3 health`: checks whether the server accepts requests and stores counts. */
import { request, textOf } from '@reto3/client';
import { apiOptionsOf, type Given, type healthFlags } from './flags.ts';

/** @throws Reto3Error RETO3_NOT_READY, RETO3_SERVER_NOT_REACHABLE */
export async function health(given: Given<typeof healthFlags>): Promise<void> {
  const api = apiOptionsOf(given);
  const answer = await textOf(await request(api, '/readyz', {}), api);
  process.stdout.write(given.json ? `${answer.trim()}\n` : 'ready\n');
}
