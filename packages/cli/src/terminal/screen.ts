/**
 * The full screen of a live view: the terminal's alternate screen without a cursor, redrawn from
 * the top. The terminal is restored however the process ends.
 */
import { writeSync } from 'node:fs';
import { exitOnSignal } from '../clean-up.ts';
import { exitCode } from '../exit-code.ts';
import { drawOn } from './standard-streams.ts';

export interface Canvas {
  /** Characters in a line, and lines. */
  readonly columns: number;
  readonly lines: number;
  readonly colours: boolean;
}

const csi = '\u001b[';
// Line wrapping is off, so that long lines are cut.
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;
const toTop = `${csi}H`;
const clearLine = `${csi}K`;
const clearBelow = `${csi}J`;

const ctrlC = '\u0003';
const quitKeys: ReadonlyMap<string, number> = new Map([
  ['q', exitCode.done],
  ['Q', exitCode.done],
  [ctrlC, exitCode.interrupted],
]);

/** The size of the terminal, or 80 columns without one, as pagers and mails expect. */
export function canvasOf(output: NodeJS.WriteStream): Canvas {
  const { columns = 80, rows = 24 } = output;
  return { columns, lines: rows, colours: output.isTTY === true && output.hasColors() };
}

/**
 * Shows what `draw` returns, now and whenever `redraw` is called or the size changes, until the user
 * quits: q exits with 0, Ctrl-C and signals with 130.
 * @param show runs while the screen is shown; when it ends, the process exits with 0
 * @throws what `show` throws, after restoring the terminal
 */
export async function onScreen(
  draw: (canvas: Canvas) => readonly string[],
  show: (redraw: () => void) => Promise<void>,
): Promise<void> {
  const { stdin, stdout } = process;
  const redraw = (): void => {
    // Skips a frame if the terminal is slow.
    if (stdout.writableLength > 0) return;
    const canvas = canvasOf(stdout);
    const lines = draw(canvas).slice(0, canvas.lines);
    drawOn(stdout, `${toTop}${lines.map((line) => line + clearLine).join('\r\n')}${clearBelow}`);
  };
  const restore = (): void => {
    process.off('exit', restore);
    if (stdin.isTTY) stdin.setRawMode(false);
    try {
      writeSync(stdout.fd, leave);
    } catch {
      // The terminal is closed.
    }
  };
  process.once('exit', restore);
  exitOnSignal();
  if (stdin.isTTY) {
    stdin.setRawMode(true).setEncoding('utf8');
    stdin.on('data', (keys) => {
      for (const key of String(keys)) {
        const code = quitKeys.get(key);
        if (code !== undefined) process.exit(code);
      }
    });
  }
  drawOn(stdout, enter);
  stdout.on('resize', redraw);
  redraw();
  try {
    await show(redraw);
    process.exit(exitCode.done);
  } finally {
    restore();
    stdin.pause();
  }
}
