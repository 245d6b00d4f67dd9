/**
 * Cuts zstd data behind each frame. Given several frames at once, Node.js drops all but the first,
 * and pzstd, `cat` and programs that append to a log write several.
 *
 *     data      = *(frame / skippable)
 *     frame     = magic:u32 flags:u8 … *block [checksum:u32]     … window, dictionary, size: by flags
 *     block     = isLast:1 kind:2 length:21 …                    … one byte if kind is 1, else `length`
 *     skippable = magic:u32 length:u32 …
 *
 * Integers are little-endian (RFC 8878, section 3). Memory: 4 bytes beside the chunk.
 */
const frameMagic = 0xfd2fb528;
/** In the last four bits, any number. */
const skippableMagic = 0x184d2a50;
const repeatedByte = 1;

/** Whether zstd data begins with these bytes. */
export function isZstd(first: Buffer): boolean {
  return first.length >= 4 && isMagic(first.readUInt32LE());
}

function isMagic(magic: number): boolean {
  return magic === frameMagic || isSkippable(magic);
}

function isSkippable(magic: number): boolean {
  return (magic & ~0xf) === skippableMagic;
}

/**
 * The same bytes, in chunks that each belong to one frame.
 * @throws Error if the data is damaged, or ends within a frame
 */
export async function* zstdFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cutter = new FrameCutter();
  for await (const chunk of chunks) yield* cutter.cut(chunk);
  if (cutter.isWithin) throw new Error('it ends in the middle of its compressed data');
}

/** Reads so many bytes, or skips them. */
type Step = readonly [what: 'read' | 'skip', bytes: number];

/** The steps from the start of a frame to its end; each `read` receives its bytes. */
function* frame(): Generator<Step, void, Buffer> {
  const magic = (yield ['read', 4]).readUInt32LE();
  if (!isMagic(magic)) throw new Error('its compressed data is damaged');
  if (isSkippable(magic)) {
    yield ['skip', (yield ['read', 4]).readUInt32LE()];
    return;
  }
  const flags = (yield ['read', 1]).readUInt8();
  const hasWindow = (flags & 0x20) === 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [hasWindow ? 0 : 1, 2, 4, 8][flags >> 6] ?? 0;
  yield ['skip', (hasWindow ? 1 : 0) + dictionaryBytes + sizeBytes];
  for (let isLast = false; !isLast; ) {
    const block = (yield ['read', 3]).readUIntLE(0, 3);
    isLast = (block & 1) === 1;
    yield ['skip', ((block >> 1) & 3) === repeatedByte ? 1 : block >> 3];
  }
  if ((flags & 4) !== 0) yield ['skip', 4];
}

class FrameCutter {
  #steps: Generator<Step, void, Buffer> | undefined;
  #step: Step = ['skip', 0];
  /** Bytes of the step that are still to come. */
  #missing = 0;
  readonly #read = Buffer.alloc(4);

  /** A frame has begun and not ended. */
  get isWithin(): boolean {
    return this.#steps !== undefined;
  }

  *cut(chunk: Buffer): Generator<Buffer> {
    let from = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#steps === undefined) this.#next();
      const [what, bytes] = this.#step;
      const end = Math.min(chunk.length, at + this.#missing);
      if (what === 'read') chunk.copy(this.#read, bytes - this.#missing, at, end);
      this.#missing -= end - at;
      at = end;
      while (this.#missing === 0 && this.#steps !== undefined) this.#next();
      if (this.#steps !== undefined) continue;
      yield chunk.subarray(from, at);
      from = at;
    }
    if (from < chunk.length) yield chunk.subarray(from);
  }

  #next(): void {
    this.#steps ??= frame();
    const { done, value } = this.#steps.next(this.#read);
    if (done === true) this.#steps = undefined;
    else {
      this.#step = value;
      this.#missing = value[1];
    }
  }
}
