import { execFileSync } from 'node:child_process';
import fs, { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import {
  immediate,
  LogOutput,
  type LogTarget,
  maxWaitingBytes,
  standardError,
} from './log-output.ts';

/** A disk that is full or hangs, as the test wants. */
class Disk implements LogTarget {
  text = '';
  full = false;
  hangs = false;
  /** Limits each write, which may end anywhere. */
  maxBytes = Number.POSITIVE_INFINITY;
  #waiting: (() => void) | undefined;

  write(bytes: Buffer, done: (error: Error | null, written: number) => void): void {
    const answer = (): void => {
      if (this.full) done(noSpace(), 0);
      else done(null, this.writeSync(bytes));
    };
    if (this.hangs) this.#waiting = answer;
    else setImmediate(answer);
  }

  writeSync(bytes: Buffer): number {
    if (this.full) throw noSpace();
    const piece = bytes.subarray(0, this.maxBytes);
    this.text += piece.toString();
    return piece.length;
  }

  goOn(): void {
    this.hangs = false;
    this.#waiting?.();
  }
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

function setUp() {
  const disk = new Disk();
  const recovered: number[] = [];
  const output: LogOutput = new LogOutput(disk, (dropped) => {
    recovered.push(dropped);
    output.write(`dropped ${dropped}\n`);
  });
  return { disk, recovered, output };
}

const line = `${'x'.repeat(1_023)}\n`;
const fitting = maxWaitingBytes / line.length;

it('writes every line, in order, even after short writes', async () => {
  const { disk, output } = setUp();
  disk.maxBytes = 3;
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index}\n`);
  for (const each of lines) output.write(each);
  await vi.waitUntil(() => disk.text === lines.join(''));
});

it('keeps lines while the disk is full, and writes them when there is space', async () => {
  const { disk, output, recovered } = setUp();
  disk.full = true;
  output.write('one\n');
  await new Promise((resolve) => setImmediate(resolve));
  output.write('two\n');
  disk.full = false;
  await vi.waitUntil(() => disk.text === 'one\ntwo\n');
  expect(recovered).toEqual([]);
});

it('bounds the waiting lines, counts dropped ones, and reports them once the log works', async () => {
  const { disk, output, recovered } = setUp();
  disk.full = true;
  for (let index = 0; index < fitting + 7; index++) output.write(line);
  expect(output.dropped).toBe(7);
  disk.full = false;
  await vi.waitUntil(() => disk.text.endsWith('dropped 7\n'));
  expect(disk.text).toBe(`${line.repeat(fitting)}dropped 7\n`);
  output.write('and on\n');
  await vi.waitUntil(() => disk.text.endsWith('and on\n'));
  expect(recovered).toEqual([7]);
});

it('does not wait for a disk that hangs', async () => {
  const { disk, output } = setUp();
  disk.hangs = true;
  for (let index = 0; index < fitting + 1; index++) output.write(line);
  expect(output.dropped).toBe(1);
  disk.goOn();
  await vi.waitUntil(() => disk.text.endsWith('dropped 1\n'));
});

it('writes waiting lines before an exit, and none twice', async () => {
  const { disk, output } = setUp();
  disk.hangs = true;
  output.write('under way\n');
  output.write('waiting\n');
  output.flush();
  expect(disk.text).toBe('waiting\n');
  disk.goOn();
  await vi.waitUntil(() => disk.text === 'waiting\nunder way\n');
  output.flush();
  expect(disk.text).toBe('waiting\nunder way\n');
});

it('does not block an exit if nothing can be written', () => {
  const { disk, output } = setUp();
  disk.full = true;
  output.write('lost\n');
  expect(() => output.flush()).not.toThrow();
});

it('neither waits for the reader of a full pipe nor loses its position', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = openSync(path, O_WRONLY | O_NONBLOCK);
  onTestFinished(() => {
    closeSync(reader);
    closeSync(writer);
  });
  const output = new LogOutput(immediate(writer), () => undefined);
  // Four times the capacity of a pipe.
  const lines = Array.from({ length: 256 }, (_, index) => String(index).padEnd(1_023).concat('\n'));
  for (const each of lines) output.write(each);
  let text = '';
  const piece = Buffer.alloc(1 << 16);
  await vi.waitUntil(
    () => {
      try {
        text += piece.toString('utf8', 0, readSync(reader, piece));
      } catch {
        // The pipe is empty at the moment.
      }
      return text.length === 256 * 1_024;
    },
    { timeout: 20_000 },
  );
  expect(text).toBe(lines.join(''));
});

it('examines standard error without breaking realpathSync of Node.js 20', () => {
  const look = vi.spyOn(fs, 'fstatSync');
  onTestFinished(() => look.mockRestore());
  syncBuiltinESMExports();
  standardError();
  for (const [, options] of look.mock.calls) expect(options).toEqual({ bigint: true });
});
