/**
 * stdout and stderr of a command. Only this file makes text safe for a terminal, whatever its
 * origin, and decides how a command ends when its reader is gone. Pipes and files receive every
 * byte unchanged.
 */
import { StringDecoder } from 'node:string_decoder';
import { messageOf, Reto3Error, terminalText } from '@reto3/core';
import { exitCode } from '../exit-code.ts';

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
type Done = (error?: Error | null) => void;

/** The original functions, which write past the guard. */
const unguarded = new WeakMap<Output, (text: string) => boolean>();

/** Guards the stream: from now on, only `drawOn` sends control characters to a terminal. */
export function guardTerminal(stream: Output): void {
  if (!stream.isTTY) return;
  const write = stream.write.bind(stream);
  // A chunk of a server's answer may end in the middle of a character.
  const decoder = new StringDecoder('utf8');
  unguarded.set(stream, (text) => write(text));
  stream.write = (piece: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done) => {
    const text =
      typeof piece === 'string' ? decoder.end() + piece : decoder.write(Buffer.from(piece));
    return write(terminalText(text), typeof encoding === 'function' ? encoding : done);
  };
}

/** Writes our own control sequences; foreign text in them must already be safe. */
export function drawOn(stream: Output, text: string): boolean {
  return (unguarded.get(stream) ?? stream.write.bind(stream))(text);
}

/** A line of data on stdout. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Whether the command goes on when stdout fails. */
let runsOn: 'no' | 'without a reader' | 'whatever happens' = 'no';

/** For a command that reaches its verdict after its output: it goes on without a reader. */
export function ignoreClosedStdout(): void {
  runsOn = 'without a reader';
}

/** For a server: only reports print to stdout, and a failure there must not end the counting. */
export function ignoreStdoutFailures(): void {
  runsOn = 'whatever happens';
}

/**
 * Ends the process once stdout can no longer be written. A reader that leaves early (| head) is no
 * failure, and an exit code that is already set (process.exitCode) stays.
 * @param fail prints the error and returns its exit code
 */
export function exitWithStdout(fail: (error: Reto3Error) => number): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (runsOn === 'whatever happens') return;
    if (cause.code === 'EPIPE') {
      if (runsOn === 'without a reader') return;
      process.exit(process.exitCode ?? exitCode.done);
    }
    const message = `cannot write to stdout: ${messageOf(cause)}`;
    const hint = 'send the output to a file or device with space left';
    process.exit(fail(new Reto3Error('RETO3_FILE_UNWRITABLE', message, { cause, hint })));
  });
  // No stream is left to report to; the exit code shows the result.
  process.stderr.on('error', () => undefined);
}
