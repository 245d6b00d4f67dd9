/**
 * The bytes of a log from a file, a pipe or stdin, decompressed if they are gzip, zstd or Brotli, and
 * as text if they are a binary log of Gatling. The first bytes tell which; for Brotli, which has no
 * signature, the suffix does.
 */
import { createReadStream, readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import zlib from 'node:zlib';
import { messageOf, Reto3Error } from '@reto3/core';
import { GatlingText, isBinaryGatling } from './gatling-text.ts';
import { isZstd, zstdFrames } from './zstd-frames.ts';

/** Large enough that reading costs little, small enough that it stays in a cache of the processor. */
const chunkBytes = 1 << 18;

/** Chunks that are read before the process does anything else: a few ms. */
const chunksInTurn = 16;

/** The longest signature of compressed data, and enough to recognise Gatling's log. */
const signatureBytes = 8;

/** A regular file of text, which can be read from anywhere; undefined if it is none. */
export async function plainFile(name: string): Promise<PlainFile | undefined> {
  if (name === '-' || !(await stat(name)).isFile()) return undefined;
  const file = await open(name);
  const first = Buffer.alloc(signatureBytes);
  await file.read(first, 0, signatureBytes, 0);
  if (decoderFor(name, first) === undefined) return new PlainFile(file);
  await file.close();
  return undefined;
}

export class PlainFile {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Its chunks from an offset on; each is valid only until the next one is asked for. */
  async *chunks(from: number): AsyncGenerator<Buffer> {
    try {
      yield* readAtOnce(this.#file, from);
    } finally {
      await this.#file.close();
    }
  }
}

/**
 * The chunks of a log; each is valid only until the next one is asked for.
 * @param name a file, or `-` for stdin
 * @param note told of what takes time for a reason that the user should know
 * @throws Reto3Error RETO3_LOG_UNREADABLE
 */
export async function* chunksOf(
  name: string,
  note: (line: string) => void,
): AsyncGenerator<Buffer> {
  try {
    if (name === '-') yield* decompressed(name, stdin());
    else yield* fileChunks(name, note);
  } catch (error) {
    throw error instanceof Reto3Error ? error : unreadable(name, causeOf(error), error);
  }
}

/** Whether a file of that name and with those first bytes is one that is decompressed. */
export function isCompressed(name: string, first: Buffer): boolean {
  return decompressorFor(name, first) !== undefined;
}

/**
 * The text of an open file, decompressed.
 * @throws Reto3Error RETO3_LOG_UNREADABLE
 */
export async function* decompressedFile(name: string, file: FileHandle): AsyncGenerator<Buffer> {
  try {
    yield* decompressed(name, readFile(file, 0));
  } catch (error) {
    throw unreadable(name, causeOf(error), error);
  }
}

async function* stdin(): AsyncGenerator<Buffer> {
  for await (const chunk of process.stdin) yield asBuffer(chunk);
}

function asBuffer(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}

async function* fileChunks(name: string, note: (line: string) => void): AsyncGenerator<Buffer> {
  const found = await stat(name);
  if (found.isDirectory()) throw unreadable(name, 'it is a folder');
  if (found.isFIFO()) note(`${name} is a pipe: reading until its writer closes it`);
  if (!found.isFile()) {
    yield* decompressed(name, streamOf(name));
    return;
  }
  const file = await open(name);
  try {
    yield* decompressed(name, readAtOnce(file, 0));
  } finally {
    await file.close();
  }
}

async function* streamOf(name: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(name, { highWaterMark: chunkBytes }))
    yield asBuffer(chunk);
}

/**
 * The same without a thread, which takes longer than the reading. Signals and timers have their turn now
 * and then; a server, which has to sweep on time, reads with `readFile`.
 */
async function* readAtOnce(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let at = from, chunks = 1; ; chunks++) {
    const bytesRead = readSync(file.fd, buffer, 0, chunkBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
    if (chunks % chunksInTurn === 0) await setImmediate();
  }
}

/** Into the same memory again and again. */
async function* readFile(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let at = from; ; ) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* decompressed(name: string, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const first = await chunks.next();
  if (first.done) return;
  const decoder = decoderFor(name, first.value);
  if (decoder === undefined) {
    yield first.value;
    yield* chunks;
    return;
  }
  // A decoder keeps what it is given until it comes to it.
  let given = first.value.length;
  const copies = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(first.value);
    for await (const chunk of chunks) {
      given += chunk.length;
      yield Buffer.from(chunk);
    }
  };
  // One chunk at a time: streams of bytes may join several.
  const source = Readable.from(isZstd(first.value) ? zstdFrames(copies()) : copies(), {
    highWaterMark: 1,
  });
  source.on('error', (error) => decoder.destroy(error));
  for await (const chunk of source.pipe(decoder)) yield asBuffer(chunk);
  const taken = 'bytesWritten' in decoder ? Number(decoder.bytesWritten) : given;
  // Zeros may follow gzip, to fill a block; Node.js refuses anything else there.
  if ((!source.readableEnded || taken < given) && kindOf(first.value) !== 'gzip')
    throw new Error('its compressed data ends before the file does');
}

const magics = {
  gzip: [0x1f, 0x8b],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  bzip2: [0x42, 0x5a, 0x68],
  zip: [0x50, 0x4b, 0x03, 0x04],
  'UTF-16': [0xff, 0xfe],
  'big-endian UTF-16': [0xfe, 0xff],
} as const;
const kinds = ['gzip', 'xz', 'bzip2', 'zip', 'UTF-16', 'big-endian UTF-16'] as const;

function kindOf(first: Buffer): 'zstd' | (typeof kinds)[number] | undefined {
  if (isZstd(first)) return 'zstd';
  return kinds.find((each) => magics[each].every((byte, index) => first[index] === byte));
}

/** What turns the bytes of a log into its text; undefined if they are its text. */
function decoderFor(name: string, first: Buffer): Transform | undefined {
  return isBinaryGatling(first) ? new GatlingText() : decompressorFor(name, first);
}

function decompressorFor(name: string, first: Buffer): Transform | undefined {
  const options = { chunkSize: chunkBytes };
  const kind = kindOf(first);
  switch (kind) {
    case undefined:
      return name.endsWith('.br') ? zlib.createBrotliDecompress(options) : undefined;
    case 'gzip':
      return zlib.createGunzip(options);
    case 'zstd':
      return zstdDecompressor(name);
    default:
      throw unreadable(
        name,
        `it is ${kind}, want text, gzip, zstd or Brotli`,
        undefined,
        throughStdin(`${decoders[kind]} ${name}`),
      );
  }
}

/** Commands that write the text of a file to stdout. */
const decoders = {
  xz: 'xz -dc',
  bzip2: 'bzip2 -dc',
  zip: 'unzip -p',
  'UTF-16': 'iconv -f UTF-16 -t UTF-8',
  'big-endian UTF-16': 'iconv -f UTF-16 -t UTF-8',
} as const;

/** Where tar since POSIX.1-1988 names itself, in the header of the first file. Zeros fill the header. */
const tarMark = { at: 257, text: 'ustar', headerBytes: 512 } as const;

/**
 * An archive would be read as text with headers in between, which hide lines.
 * @param first the first bytes, decompressed
 * @throws Reto3Error RETO3_LOG_UNREADABLE
 */
export function refuseArchive(name: string, first: Buffer): void {
  const header = first.subarray(0, tarMark.headerBytes);
  if (!header.includes(0) || !header.subarray(tarMark.at).toString().startsWith(tarMark.text))
    return;
  const why = 'it is a tar archive, want a log';
  throw unreadable(name, why, undefined, throughStdin(`tar -xOf ${name}`));
}

function throughStdin(command: string): { readonly hint: string } {
  return { hint: `run ${command} | reto3 … --log -` };
}

/** Node.js has it from 22.15 on. */
function zstdDecompressor(name: string): Transform {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  const made: unknown = typeof create === 'function' ? create() : undefined;
  if (made instanceof Transform) return made;
  throw unreadable(
    name,
    `it is zstd, which Node.js ${process.versions.node} cannot read`,
    undefined,
    throughStdin(`zstd -dc ${name}`),
  );
}

function unreadable(
  name: string,
  why: string,
  cause?: unknown,
  options?: { readonly hint: string },
): Reto3Error {
  return new Reto3Error('RETO3_LOG_UNREADABLE', `cannot read ${name}: ${why}`, {
    ...options,
    ...(cause !== undefined && { cause }),
  });
}

const causes = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'this user may not read it'],
  ['EISDIR', 'it is a folder'],
  ['Z_BUF_ERROR', 'it ends in the middle of its compressed data'],
]);
/** Codes of zlib, zstd and Brotli. */
const damageCode = /^(Z_DATA_ERROR$|ZSTD_error_|ERR__ERROR_)/;

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (damageCode.test(code)) return 'its compressed data is damaged';
  return causes.get(code) ?? messageOf(error);
}
