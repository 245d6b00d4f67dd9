/**
 * Starts programs on chosen cores, and makes sure that they end.
 *
 * Each program runs in its own process group, so that its children end with it. A group ends when
 * it is stopped, when this process exits and, if `setpriv` is installed, even when this process is
 * killed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Exit, RunningProcess } from './running-process.ts';

/** How long a program may take to stop. */
const stopMs = 10_000;

const { PATH: environmentPath } = process.env;

/** Debian installs servers in sbin, which an ordinary user's PATH lacks. */
const searchPath = [
  ...(environmentPath ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/** The path of a program; undefined if it is not installed. */
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

/** The first line of the program's output, stdout or stderr; undefined if it does not run. */
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
  /** The cores that it may use; undefined means all. */
  readonly cores: readonly number[] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

const running = new Set<Program>();

process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(130));

export class Program {
  readonly name: string;
  /** Resolves when the program has exited and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #process: RunningProcess;
  #hasEnded = false;

  /** @throws Error if the program is not installed */
  constructor(name: string, args: readonly string[], options: ProgramOptions) {
    const path = name.includes('/') ? name : findProgram(name);
    if (path === undefined) throw new Error(`cannot start ${name}: it is not installed`);
    this.name = name;
    const [command = path, ...rest] = [...prefixes(options.cores), path, ...args];
    this.#process = new RunningProcess(
      spawn(command, rest, {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        env: { ...plainEnvironment(), ...options.environment },
      }),
    );
    running.add(this);
    this.exited = this.#process.exited.finally(() => {
      this.#hasEnded = true;
      running.delete(this);
    });
    this.exited.catch(() => undefined);
  }

  /** The ID of the process group. */
  get group(): number {
    return this.#process.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get stdout(): string {
    return this.#process.stdout;
  }

  /**
   * The part of the output that explains a failure: lines about an error, or else the last ones.
   */
  get errorOutput(): string {
    const lines = `${this.#process.stdout}\n${this.#process.stderr}`
      .split('\n')
      .filter((line) => line.trim() !== '');
    const errors = lines.filter((line) => /error|cannot|alert|fatal/i.test(line));
    return (errors.length > 0 ? errors : lines).slice(-3).join(' | ');
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.group, signal);
    } catch {
      // The group has ended.
    }
  }

  /** Stops the group with SIGTERM, and with SIGKILL if that takes too long. */
  async stop(): Promise<void> {
    if (!this.#hasEnded) this.kill('SIGTERM');
    const force = setTimeout(() => this.kill('SIGKILL'), stopMs);
    await this.exited.catch(() => undefined);
    clearTimeout(force);
  }
}

/**
 * Runs a program to its end and returns its stdout.
 * @throws Error if it fails or takes too long
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions & { readonly maxMs: number },
): Promise<string> {
  const program = new Program(name, args, options);
  let late = false;
  const force = setTimeout(() => {
    late = true;
    program.kill('SIGKILL');
  }, options.maxMs);
  const { code, signal } = await program.exited.finally(() => clearTimeout(force));
  if (late) throw new Error(`cannot run ${name}: not done after ${options.maxMs} ms`);
  const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  if (code !== 0) throw new Error(`cannot run ${name}: ${end}: ${program.errorOutput}`);
  return program.stdout;
}

/**
 * Runs a script of this build, such as a load, and returns the JSON that it prints.
 * @param options its argument, as JSON
 */
export async function runScript<Result>(
  script: string,
  options: object,
  limits: ProgramOptions & { readonly maxMs: number },
): Promise<Result> {
  return JSON.parse(await runProgram(process.execPath, [script, JSON.stringify(options)], limits));
}

function prefixes(cores: readonly number[] | undefined): string[] {
  const setpriv = findProgram('setpriv');
  const taskset = findProgram('taskset');
  return [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM']),
    ...(taskset === undefined || cores === undefined ? [] : [taskset, '-c', cores.join(',')]),
  ];
}

/** This process's environment without settings for servers. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('RETO3_') && name !== 'NODE_OPTIONS',
    ),
  );
}
