/** Asks whether a server accepts requests and keeps their counts, and says so. */
import { request } from './api-client.ts';
import { type apiFlags, apiOptionsOf, type Given } from './flags.ts';

/** @throws Reto3Error RETO3_NOT_READY, RETO3_SERVER_NOT_REACHABLE */
export async function health(given: Given<typeof apiFlags>): Promise<void> {
  const response = await request(apiOptionsOf(given), '/readyz', {});
  response.resume();
  process.stdout.write('ready\n');
}
