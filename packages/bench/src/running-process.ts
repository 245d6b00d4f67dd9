/** A child process and its output. The bench and the tests start every process with it. */
import type { ChildProcess } from 'node:child_process';

/** How a process ended: `code` is null if a signal ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RunningProcess {
  readonly pid: number;
  /** Resolves when the process has exited and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  /**
   * @param onStdout receives stdout, which is then not kept: for outputs of hundreds of MB
   * @throws Error if the process cannot start
   */
  constructor(child: ChildProcess, onStdout?: (piece: Buffer) => void) {
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // Keeps a rejection that nobody awaits from ending this process.
    this.exited.catch(() => undefined);
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
  }

  /** The output so far. */
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
