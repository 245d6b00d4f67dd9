/**
 * Starts other programs, on chosen cores, and makes sure that they end.
 *
 * Each runs in a process group of its own, so that its children end with it. Groups end when they
 * are stopped, when this process exits for whatever reason it can act on, and, where the machine
 * has `setpriv`, even when this process is killed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How long a program may take to end when asked to. */
const stopMs = 10_000;

const { PATH: environmentPath } = process.env;

/** Servers live in sbin, which an ordinary user's PATH does not have. */
const searchPath = [
  ...(environmentPath ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/** Where a program of that name is, or undefined. */
export function findProgram(name: string): string | undefined {
  return searchPath
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The first line that a program prints, on either output, or undefined if it does not run. */
export function firstLineOf(name: string, args: readonly string[]): string | undefined {
  const path = findProgram(name);
  if (path === undefined) return undefined;
  const { stdout, stderr, error } = spawnSync(path, args, { encoding: 'utf8', timeout: stopMs });
  if (error !== undefined) return undefined;
  return `${stdout}\n${stderr}`
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '');
}

export interface ProgramOptions {
  /** Numbers of the cores that it may run on; all where undefined. */
  readonly cores: readonly number[] | undefined;
  readonly folder?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

const running = new Set<Program>();

process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(130));

/** What a program printed and how it ended. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Program {
  readonly name: string;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #hasEnded = false;

  /** @throws Error if there is no such program */
  constructor(name: string, args: readonly string[], options: ProgramOptions) {
    const path = name.includes('/') ? name : findProgram(name);
    if (path === undefined) throw new Error(`cannot start ${name}: it is not installed`);
    this.name = name;
    const [command = path, ...rest] = [...prefixes(options.cores), path, ...args];
    this.#child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...plainEnvironment(), ...options.environment },
      ...(options.folder !== undefined && { cwd: options.folder }),
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    running.add(this);
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      running.delete(this);
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
    this.ended.catch(() => undefined);
  }

  /** The number of the process group. */
  get group(): number {
    if (this.#child.pid === undefined) throw new Error(`cannot start ${this.name}`);
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What it has printed, to explain a failure: lines that speak of an error, or the last ones. */
  get complaint(): string {
    const lines = `${this.#stdout}\n${this.#stderr}`
      .split('\n')
      .filter((line) => line.trim() !== '');
    const errors = lines.filter((line) => /error|cannot|alert|fatal/i.test(line));
    return (errors.length > 0 ? errors : lines).slice(-3).join(' | ');
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group has ended.
    }
  }

  /** Asks it to end, waits, and ends it by force where asking does not help. */
  async stop(): Promise<void> {
    if (!this.#hasEnded) this.kill('SIGTERM');
    const force = setTimeout(() => this.kill('SIGKILL'), stopMs);
    await this.ended.catch(() => undefined);
    clearTimeout(force);
  }
}

/**
 * Runs a program to its end and returns what it printed.
 * @throws Error if it fails or is not done in time
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions & { readonly mostMs: number },
): Promise<string> {
  const program = new Program(name, args, options);
  let late = false;
  const force = setTimeout(() => {
    late = true;
    program.kill('SIGKILL');
  }, options.mostMs);
  const { code, signal, stdout } = await program.ended.finally(() => clearTimeout(force));
  if (late) throw new Error(`cannot run ${name}: not done after ${options.mostMs} ms`);
  const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  if (code !== 0) throw new Error(`cannot run ${name}: ${end}: ${program.complaint}`);
  return stdout;
}

function prefixes(cores: readonly number[] | undefined): string[] {
  const setpriv = findProgram('setpriv');
  const taskset = findProgram('taskset');
  return [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM']),
    ...(taskset === undefined || cores === undefined ? [] : [taskset, '-c', cores.join(',')]),
  ];
}

/** Without settings that would reach the servers. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('RETO3_') && name !== 'NODE_OPTIONS',
    ),
  );
}
