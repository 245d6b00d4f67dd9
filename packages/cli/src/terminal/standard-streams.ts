/**
 * stdout and stderr of a command. The only place that makes text safe for a terminal, whoever wrote
 * it, and that decides how a command ends if its reader is gone. Pipes and files get every byte as it
 * is.
 */
import { StringDecoder } from 'node:string_decoder';
import { messageOf, Reto3Error, terminalText } from '@reto3/core';
import { exitCode } from '../exit-code.ts';

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
type Done = (error?: Error | null) => void;

/** Writes past the guard. */
const unguarded = new WeakMap<Output, (text: string) => boolean>();

/** From now on, only `drawOn` sends control characters to a terminal. */
export function guardTerminal(stream: Output): void {
  if (!stream.isTTY) return;
  const write = stream.write.bind(stream);
  // The pieces of a server's answer may cut a character in two.
  const decoder = new StringDecoder('utf8');
  unguarded.set(stream, (text) => write(text));
  stream.write = (piece: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done) => {
    const text =
      typeof piece === 'string' ? decoder.end() + piece : decoder.write(Buffer.from(piece));
    return write(terminalText(text), typeof encoding === 'function' ? encoding : done);
  };
}

/** Writes our own control sequences; foreign text in it must be safe already. */
export function drawOn(stream: Output, text: string): boolean {
  return (unguarded.get(stream) ?? stream.write.bind(stream))(text);
}

/** A line of data on stdout. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Without which stdout the command runs on. */
let runsOn: 'no' | 'without a reader' | 'whatever happens' = 'no';

/** For a command whose verdict comes after its output: it runs on without a reader. */
export function ignoreClosedStdout(): void {
  runsOn = 'without a reader';
}

/** For a server: only what a report prints goes to stdout, and it must not end the counting. */
export function ignoreStdoutFailures(): void {
  runsOn = 'whatever happens';
}

/**
 * Ends the process once stdout can no longer be written. A reader that has enough (| head) is no
 * failure, and an exit code that is set already (process.exitCode) stays.
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
  // Nowhere left to report to; the exit code tells how the command went.
  process.stderr.on('error', () => undefined);
}
