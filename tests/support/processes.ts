/**
 * Starts processes and makes sure that none outlives its test, whatever the test does: each is
 * killed, by its id, when the test that started it is over.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface LaunchOptions {
  /** Added to the environment of the tests; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Takes stdout piece by piece instead of having it kept: for outputs of hundreds of MB. */
  readonly onStdout?: (piece: Buffer) => void;
  /** Stands in front of the command, and becomes it. */
  readonly wrapper?: readonly string[];
}

export class RunningProcess {
  readonly pid: number;
  /** Resolves when the process has left and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess, onStdout?: (piece: Buffer) => void) {
    if (child.pid === undefined) throw new Error(`cannot start ${child.spawnfile}`);
    this.pid = child.pid;
    this.#child = child;
    if (onStdout === undefined) {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.#stdout += text;
      });
    } else {
      child.stdout?.on('data', onStdout);
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
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
