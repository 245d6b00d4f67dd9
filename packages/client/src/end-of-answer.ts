/**
 * Reads an answer about windows up to a verified end. The server finds damage while it sends, so it
 * lists the omitted windows at the end: in an end record in the body if the request asked for one
 * (`reto3-end`), otherwise in a trailer. An answer with neither was cut off, and may hide damage.
 */
import type { IncomingMessage } from 'node:http';
import { pipeline, Transform, type TransformCallback } from 'node:stream';
import { endMark, type PartlyCounted, Reto3Error } from '@reto3/core';
import type { Stats } from './answers/index.ts';
import { type ApiOptions, answerCut } from './api-client.ts';

/**
 * The damaged windows that an answer omits, and those counted in part if its format has no marks.
 * Older servers do not count the places, and list no partial windows.
 */
export type Missing = Pick<Stats, 'damaged'> &
  Partial<Pick<Stats, 'damagedPlaces'> & PartlyCounted>;

/** Requests the end record in the body. Older servers ignore it and send only the trailer. */
export const endHeaders = { 'reto3-end': 'body' } as const;

/** Enough for 100 places with reasons of 200 characters. */
const maxEndBytes = 128 << 10;
const markByte = endMark.charCodeAt(0);

/** The body of an answer, without its end record. */
export class AnswerBody extends Transform {
  readonly #response: IncomingMessage;
  readonly #api: ApiOptions;
  /** The bytes held back: from the last 0x1e on, which may also be part of a report's cell. */
  #held: Buffer = Buffer.alloc(0);
  #missing: Missing | undefined;

  constructor(response: IncomingMessage, api: ApiOptions) {
    super();
    this.#response = response;
    this.#api = api;
    // The callback does nothing: errors reach the reader of this stream.
    pipeline(response, this, () => undefined);
  }

  /** The damaged windows that the answer omits; known once all of it has been read. */
  get missing(): Missing {
    if (this.#missing === undefined) throw new Error('BUG: the answer has not been read');
    return this.#missing;
  }

  override _transform(piece: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const at = piece.lastIndexOf(markByte);
    if (at >= 0) {
      this.push(this.#held);
      this.push(piece.subarray(0, at));
      this.#held = piece.subarray(at);
    } else if (this.#held.length === 0) this.push(piece);
    else this.#held = Buffer.concat([this.#held, piece]);
    if (this.#held.length > maxEndBytes) {
      this.push(this.#held);
      this.#held = Buffer.alloc(0);
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#missing = endOf(this.#held.toString()) ?? this.#fromTrailers();
    const isCut = this.#missing === undefined;
    done(isCut ? answerCut(this.#api, new Error('its end is missing')) : null);
  }

  #fromTrailers(): Missing | undefined {
    this.push(this.#held);
    const { trailers } = this.#response;
    const places = trailers['reto3-damaged-places'];
    const damaged = trailers['reto3-damaged'];
    if (damaged === undefined) return undefined;
    return {
      damaged: JSON.parse(damaged),
      ...(places !== undefined && { damagedPlaces: Number(places) }),
    };
  }

  /** @throws Reto3Error RETO3_ANSWER_CUT */
  async text(): Promise<string> {
    let text = '';
    try {
      for await (const piece of this.setEncoding('utf8')) text += piece;
    } catch (error) {
      throw this.cut(error);
    }
    return text;
  }

  /** The error to throw after a failed read. */
  cut(error: unknown): Reto3Error {
    return error instanceof Reto3Error ? error : answerCut(this.#api, error);
  }
}

function endOf(text: string): Missing | undefined {
  if (!text.startsWith(`${endMark}{`) || !text.endsWith('}\n')) return undefined;
  try {
    return JSON.parse(text.slice(1));
  } catch {
    return undefined;
  }
}
