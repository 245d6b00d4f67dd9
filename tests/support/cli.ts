/** Runs the built command line as a user does, and captures its output. */
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { testRoot } from './debian-root.ts';
import { launch, type RunningProcess } from './processes.ts';
import { within } from './wait.ts';

/** The clone's command line, except in the project `package`. */
export const cliFile =
  inject('cliFile') ?? fileURLToPath(new URL('../../packages/cli/bin/reto3.js', import.meta.url));

/** Settings in the tests' environment must not reach the processes under test. */
const withoutSettings = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('RETO3_'))
    .map((name) => [name, undefined]),
);

/** Bounds a run: a server that should have refused to start would run until the test times out. */
const endWithinMs = 120_000;

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onStdout?: (piece: Buffer) => void;
  readonly wrapper?: readonly string[];
  /** The command line of another build than the clone's. */
  readonly file?: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts `reto3` with these arguments. Runs the file directly, whose first line sets memory limits.
 */
export function startCli(args: readonly string[], options: RunOptions = {}): RunningProcess {
  const { env, onStdout, wrapper = [], file = cliFile } = options;
  const around = testRoot();
  return launch(file, args, {
    env: { ...withoutSettings, ...around.env, ...env },
    ...(onStdout && { onStdout }),
    wrapper: [...wrapper, ...around.wrapper],
  });
}

/** Runs `reto3` with these arguments to its end. */
export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const running = startCli(args, options);
  const { code } = await within(`${args.join(' ')} to end`, endWithinMs, running.exited);
  return { code, stdout: running.stdout, stderr: running.stderr };
}
