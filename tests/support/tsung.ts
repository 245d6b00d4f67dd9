/** Runs the challenge's load, tsung/load.sh, and returns Tsung's counts. */
import { fileURLToPath } from 'node:url';
import { launch } from './processes.ts';

const script = fileURLToPath(new URL('../../tsung/load.sh', import.meta.url));

interface TsungTotals {
  /** Answers with status 200, each of which the server must have counted. */
  readonly messages: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly meanRate: number;
  readonly complete: boolean;
}

/**
 * Runs 500 users/s with 10 requests each, for `seconds`.
 * @throws Error if a request failed
 */
export async function runTsung(port: number, seconds: number): Promise<TsungTotals> {
  const running = launch('bash', [script, '--json'], {
    env: {
      RETO3_LOAD_HOST: '127.0.0.1',
      RETO3_LOAD_PORT: String(port),
      RETO3_LOAD_USERS_PER_SECOND: '500',
      RETO3_LOAD_REQUESTS_PER_USER: '10',
      RETO3_LOAD_DURATION: `${seconds}s`,
    },
  });
  const { code } = await running.exited;
  if (code !== 0) throw new Error(`cannot run the load: got code ${code}: ${running.stderr}`);
  return JSON.parse(running.stdout);
}
