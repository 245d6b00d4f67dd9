/**
 * stdout and stderr of a command: the one place where text is made safe for a terminal, whoever
 * wrote it, and where it is decided how a command ends that nobody reads any more. Pipes and files
 * get every byte as it is.
 */
import { StringDecoder } from 'node:string_decoder';
import { messageOf, Reto3Error, terminalText } from '@reto3/core';
import { exitCode } from '../exit-code.ts';

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
type Done = (error?: Error | null) => void;

/** How to write past the guard. */
const unguarded = new WeakMap<Output, (text: string) => boolean>();

/** From here on, a terminal gets control characters only by way of `drawOn`. */
export function guardTerminal(stream: Output): void {
  if (!stream.isTTY) return;
  const write = stream.write.bind(stream);
  // A character may be cut in two by the pieces that a server's answer comes in.
  const decoder = new StringDecoder('utf8');
  unguarded.set(stream, (text) => write(text));
  stream.write = (piece: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done) => {
    const text =
      typeof piece === 'string' ? decoder.end() + piece : decoder.write(Buffer.from(piece));
    return write(terminalText(text), typeof encoding === 'function' ? encoding : done);
  };
}

/** Writes text with sequences of our own, in which all text of others is safe already. */
export function drawOn(stream: Output, text: string): boolean {
  return (unguarded.get(stream) ?? stream.write.bind(stream))(text);
}

/** A line of data on stdout. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

let runsOn = false;

/** For a command that prints before it knows its verdict, and can do without a reader. */
export function runOnWithoutReader(): void {
  runsOn = true;
}

/**
 * Ends the process when stdout can no longer be written. A reader that has enough (| head) is no
 * failure, and a verdict that is known by then (process.exitCode) stays.
 * @param fail tells of the error and gives its exit code
 */
export function endWithStdout(fail: (error: Reto3Error) => number): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') {
      if (runsOn) return;
      process.exit(process.exitCode ?? exitCode.done);
    }
    const message = `cannot write to stdout: ${messageOf(cause)}`;
    const hint = 'send the output to a file or device with space left';
    process.exit(fail(new Reto3Error('RETO3_FILE_UNWRITABLE', message, { cause, hint })));
  });
  // There is nowhere left to tell of it; the exit code says how the command went.
  process.stderr.on('error', () => undefined);
}
