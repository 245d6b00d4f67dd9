/** Kills a server before, during or just after its recovery, which must lose nothing more. */
import { setTimeout } from 'node:timers/promises';
import type { Random } from '@reto3/core/testing';
import { startCli } from '../../support/cli.ts';

/** Longer than a start on an idle machine. */
const latestKillMs = 800;

/** Starts a server with these arguments, and kills it at a random moment of its start. */
export async function killWhileStarting(args: readonly string[], random: Random): Promise<void> {
  const starting = startCli(args);
  await setTimeout(random.next() * latestKillMs);
  starting.signal('SIGKILL');
  await starting.exited;
}
