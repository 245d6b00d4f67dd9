/**
 * The whole terminal, for as long as something live is shown on it: an alternate screen without
 * cursor, redrawn from its top. However the process ends, the terminal is as it was before.
 */
import { writeSync } from 'node:fs';
import { leaveWhenStopped } from '../clean-up.ts';
import { exitCode } from '../exit-code.ts';
import { drawOn } from './standard-streams.ts';

export interface Canvas {
  /** Characters in a line, and lines. */
  readonly columns: number;
  readonly lines: number;
  readonly colours: boolean;
}

const csi = '\u001b[';
// Without wrapping, a line that is too long is cut and not two lines.
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

/** What a terminal shows at once; 80 characters where there is none, as pagers and mails expect. */
export function canvasOf(output: NodeJS.WriteStream): Canvas {
  const { columns = 80, rows = 24 } = output;
  return { columns, lines: rows, colours: output.isTTY === true && output.hasColors() };
}

/**
 * Shows what `draw` returns, at once and whenever `redraw` is called or the size changes, until
 * somebody quits: q exits with 0, Ctrl-C and signals with 130.
 * @param show runs while the screen is there; the process exits where it ends by itself
 * @throws what `show` throws, with the terminal as it was before
 */
export async function onScreen(
  draw: (canvas: Canvas) => readonly string[],
  show: (redraw: () => void) => Promise<void>,
): Promise<void> {
  const { stdin, stdout } = process;
  const redraw = (): void => {
    // A terminal that is slow to take a picture gets the next one instead.
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
      // The terminal itself is gone.
    }
  };
  process.once('exit', restore);
  leaveWhenStopped();
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
