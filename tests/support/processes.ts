/** Starts processes that end with their test: each is killed, by its ID, when the test ends. */
import { spawn } from 'node:child_process';
import { RunningProcess } from '@reto3/bench/src/running-process.ts';
import { onTestFinished } from 'vitest';

export type { Exit, RunningProcess } from '@reto3/bench/src/running-process.ts';

interface LaunchOptions {
  /** Additions to the tests' environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Receives stdout, which is then not kept: for outputs of hundreds of MB. */
  readonly onStdout?: (piece: Buffer) => void;
  /** A command that replaces itself with the actual one, such as `taskset`. */
  readonly wrapper?: readonly string[];
}

/** Starts a process that ends with the running test at the latest. */
export function launch(
  command: string,
  args: readonly string[],
  options: LaunchOptions = {},
): RunningProcess {
  const [program = command, ...all] = [...(options.wrapper ?? []), command, ...args];
  const child = spawn(program, all, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const running = new RunningProcess(child, options.onStdout);
  onTestFinished(async () => {
    if (running.running) running.signal('SIGKILL');
    await running.exited;
  });
  return running;
}
