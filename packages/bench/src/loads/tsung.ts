/** The challenge's load: Tsung with tsung/load.sh, 10 requests per user. */
import { fileURLToPath } from 'node:url';
import { findProgram, runProgram } from '../program.ts';

const script = fileURLToPath(new URL('../../../../tsung/load.sh', import.meta.url));
const requestsPerUser = 10;
/** Time for Tsung to start, connect and write its statistics. */
const graceMs = 120_000;

export function tsungIsInstalled(): boolean {
  return findProgram('tsung') !== undefined && findProgram('erl') !== undefined;
}

export interface TsungOptions {
  readonly port: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly cores: readonly number[] | undefined;
}

/**
 * Runs the load to its end and returns the number of requests answered 200.
 * @throws Error if any request was answered otherwise
 */
export async function runTsung(options: TsungOptions): Promise<number> {
  const printed = await runProgram('bash', [script, '--json'], {
    cores: options.cores,
    maxMs: options.seconds * 1_000 + graceMs,
    environment: {
      RETO3_LOAD_PORT: `${options.port}`,
      RETO3_LOAD_USERS_PER_SECOND: `${options.requestsPerSecond / requestsPerUser}`,
      RETO3_LOAD_REQUESTS_PER_USER: `${requestsPerUser}`,
      RETO3_LOAD_DURATION: `${options.seconds}`,
    },
  });
  return parseTsung(printed);
}

/** The number of messages in load.sh's JSON. */
function parseTsung(printed: string): number {
  const summary: unknown = JSON.parse(printed);
  if (typeof summary === 'object' && summary !== null && 'messages' in summary)
    return Number(summary.messages);
  throw new Error(`got no messages from Tsung: ${printed.trim()}`);
}
