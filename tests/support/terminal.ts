/** A terminal for the command line: tmux without a window. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { cliFile } from './cli.ts';
import { waitUntil } from './wait.ts';

interface Size {
  readonly columns: number;
  readonly lines: number;
}

export class Terminal {
  readonly #socket = `reto3-test-${randomUUID()}`;

  /** Runs `reto3` in it, then prints the exit code. */
  static run(args: readonly string[], size: Size, env: Readonly<Record<string, string>> = {}) {
    return Terminal.runCommand([process.execPath, cliFile, ...args], size, env);
  }

  /** Does the same with any program. */
  static runCommand(
    program: readonly string[],
    size: Size,
    env: Readonly<Record<string, string>> = {},
  ) {
    const terminal = new Terminal();
    onTestFinished(() => terminal.close());
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const command = program.map((arg) => `'${arg}'`).join(' ');
    // The shell gets Ctrl-C too, and must survive it.
    const shell = `trap : INT; echo before; ${settings.join(' ')} ${command}; echo "left with $?"; exec cat`;
    terminal.#tmux(
      ...['-f', '/dev/null', 'new-session', '-d'],
      ...['-x', String(size.columns), '-y', String(size.lines), 'sh', '-c', shell],
    );
    return terminal;
  }

  /** The text on the screen; with `escapes`, colours included. */
  text(escapes = false): string {
    return this.#tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []));
  }

  /** Waits until the screen shows this. */
  async shows(pattern: RegExp): Promise<string> {
    await waitUntil(`the terminal shows ${pattern}`, () => pattern.test(this.text())).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${this.text()}`);
      },
    );
    return this.text();
  }

  /** The terminal's state that a program may leave changed. */
  state(): string {
    const format = 'alternate #{alternate_on}, cursor #{cursor_flag}, wrap #{wrap_flag}';
    return this.#tmux('display-message', '-p', format).trim();
  }

  press(key: string): void {
    this.#tmux('send-keys', key);
  }

  resize({ columns, lines }: Size): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(lines));
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' },
    });
  }

  /** Closes the terminal: the programs in it get SIGHUP. */
  close(): void {
    try {
      this.#tmux('kill-server');
    } catch {
      // Already closed.
    }
  }
}
