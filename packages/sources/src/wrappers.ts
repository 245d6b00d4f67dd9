/**
 * What container runtimes and log daemons put around the lines of a program.
 *
 * A wrapper takes a line apart: it passes on the program's lines, or returns why there is none.
 * Runtimes cut long lines into pieces; they are joined again, up to 1 MiB.
 */
import {
  backslash,
  byteOrderMark,
  closeBracket,
  colon,
  indexOf,
  lineFeed,
  openBracket,
  quote,
  space,
  startsWith,
  textBytes,
} from './bytes.ts';
import type { Reason } from './format.ts';
import { JsonFields } from './formats/json-fields.ts';
import { isRequestLine, isStatus } from './request.ts';
import { Instant, monthAt } from './time/instant.ts';
import { utc } from './time/zone.ts';

export type TakeLine = (bytes: Uint8Array, from: number, to: number) => void;

interface Unwrap {
  /** Passes on the lines inside; returns why there is none. */
  unwrap(bytes: Uint8Array, from: number, to: number, take: TakeLine): Reason | undefined;
}

export interface Wrapper {
  readonly name: string;
  open(): Unwrap;
}

const maxJoinedBytes = 1 << 20;

/** Collects the pieces of a line until the last one. */
class Pieces {
  #bytes = Buffer.alloc(0);

  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    if (this.#bytes.length + to - from <= maxJoinedBytes)
      this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(from, to)]);
  }

  takeAll(): Buffer {
    const all = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return all;
  }
}

const stdout = textBytes('stdout ');
const stderr = textBytes('stderr ');
const full = 0x46;
const partial = 0x50;
const longestTime = '2016-05-28T11:11:11.123456789+00:00'.length;

/** The blank behind an ISO time that a line begins with; -1 without one. */
function endOfTime(bytes: Uint8Array, from: number, to: number, time: Instant): number {
  const blank = indexOf(bytes, space, from, Math.min(to, from + longestTime + 1));
  return blank !== -1 && time.readIso(bytes, from, blank, utc) ? blank : -1;
}

/** Kubernetes' container runtimes: `time stdout F line`; P instead of F marks a piece. */
const cri: Wrapper = {
  name: 'CRI',
  open() {
    const pieces = new Pieces();
    const time = new Instant();
    return {
      unwrap(bytes, from, to, take) {
        const blank = endOfTime(bytes, from, to, time);
        if (blank === -1) return 'no request of this format';
        const tag = blank + 1 + stdout.length;
        const isStream =
          startsWith(bytes, blank + 1, to, stdout) || startsWith(bytes, blank + 1, to, stderr);
        const isFull = bytes[tag] === full;
        if (!isStream || (!isFull && bytes[tag] !== partial) || bytes[tag + 1] !== space)
          return 'no request of this format';
        if (!isFull || !pieces.isEmpty) pieces.add(bytes, tag + 2, to);
        if (!isFull) return 'part of a longer line';
        if (pieces.isEmpty) take(bytes, tag + 2, to);
        else {
          const line = pieces.takeAll();
          take(line, 0, line.length);
        }
        return undefined;
      },
    };
  },
};

/** Docker's json-file: `{"log":"line\n","stream":"stdout","time":"…"}`; a piece has no line feed. */
const docker: Wrapper = {
  name: 'Docker',
  open() {
    const fields = new JsonFields(['log', 'stream']);
    const pieces = new Pieces();
    const text = new JsonText();
    return {
      unwrap(bytes, from, to, take) {
        const isWrapped = fields.scan(bytes, from, to) && fields.has(0) && fields.has(1);
        if (!isWrapped) return 'no request of this format';
        text.read(bytes, fields.from[0] ?? 0, fields.to[0] ?? 0);
        if (text.isWhole && pieces.isEmpty) {
          take(text.bytes, 0, text.lineEnd);
          return undefined;
        }
        pieces.add(text.bytes, 0, text.lineEnd);
        if (!text.isWhole) return 'part of a longer line';
        const line = pieces.takeAll();
        take(line, 0, line.length);
        return undefined;
      },
    };
  },
};

const messageKeys = ['message', 'MESSAGE', 'log', 'textPayload'];
/** An object with a status of three digits or a request line is a request itself. */
const requestKeys = ['status', 'request'];

/** Log shippers and `journalctl -o json`: the line is the text under one of `messageKeys`. */
const jsonMessage: Wrapper = {
  name: 'JSON messages',
  open() {
    const fields = new JsonFields([...messageKeys, ...requestKeys]);
    const [status, request] = [messageKeys.length, messageKeys.length + 1];
    const text = new JsonText();
    return {
      unwrap(bytes, from, to, take) {
        if (!fields.scan(bytes, from, to)) return 'no request of this format';
        const key = messageKeys.findIndex(
          (_, index) => fields.has(index) && bytes[(fields.from[index] ?? 0) - 1] === quote,
        );
        const isRequest =
          (fields.has(status) &&
            isStatus(bytes, fields.from[status] ?? 0, fields.to[status] ?? 0)) ||
          (fields.has(request) &&
            isRequestLine(bytes, fields.from[request] ?? 0, fields.to[request] ?? 0));
        if (key === -1 || isRequest) return 'no request of this format';
        text.read(bytes, fields.from[key] ?? 0, fields.to[key] ?? 0);
        take(text.bytes, 0, text.lineEnd);
        return undefined;
      },
    };
  },
};

/** The text of a JSON string, without its escapes. Its memory is reused. */
class JsonText {
  bytes = Buffer.alloc(1 << 16);
  /** Where it ends, without a line feed. */
  lineEnd = 0;
  /** It ended with a line feed. */
  isWhole = false;

  read(bytes: Uint8Array, from: number, to: number): void {
    if (this.bytes.length < to - from) this.bytes = Buffer.alloc(2 * (to - from));
    const length = unescapeJson(bytes, from, to, this.bytes);
    this.isWhole = length > 0 && this.bytes[length - 1] === lineFeed;
    this.lineEnd = this.isWhole ? length - 1 : length;
  }
}

const plainEscapes = new Map(
  Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(([letter, char]) => [
    letter.charCodeAt(0),
    char.charCodeAt(0),
  ]),
);
const unicodeEscape = 0x75;

/** Writes the text of a JSON string; never longer than the string. @returns its length */
function unescapeJson(bytes: Uint8Array, from: number, to: number, into: Buffer): number {
  let length = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== backslash) {
      into[length++] = byte;
      continue;
    }
    at++;
    const escaped = bytes[at] ?? 0;
    if (escaped === unicodeEscape) {
      const code = Number.parseInt(Buffer.from(bytes.subarray(at + 1, at + 5)).toString(), 16);
      length += into.write(String.fromCharCode(code || 0xfffd), length);
      at += 4;
    } else into[length++] = plainEscapes.get(escaped) ?? escaped;
  }
  return length;
}

const lessThan = 0x3c;
const greaterThan = 0x3e;
const longestTag = 256;

/**
 * syslog: an optional `<pri>`, then `Mmm dd HH:MM:SS host tag: line` (RFC 3164), the same with an
 * ISO time (rsyslog), or `1 time host app pid msgid data line` (RFC 5424).
 */
const syslog: Wrapper = {
  name: 'syslog',
  open() {
    const time = new Instant();
    return {
      unwrap(bytes, from, to, take) {
        let at = from;
        if (bytes[at] === lessThan) {
          at = indexOf(bytes, greaterThan, at, Math.min(to, at + 6)) + 1;
          if (at === 0) return 'no request of this format';
        }
        const line =
          bytes[at] === 0x31 && bytes[at + 1] === space
            ? behindRfc5424(bytes, at + 2, to, time)
            : behindTag(bytes, at, to, time);
        if (line === -1) return 'no request of this format';
        take(bytes, line, to);
        return undefined;
      },
    };
  },
};

function behindTag(bytes: Uint8Array, from: number, to: number, time: Instant): number {
  const isTraditional =
    monthAt(bytes, from) >= 1 && bytes[from + 9] === colon && bytes[from + 12] === colon;
  const stampEnd = isTraditional ? from + 15 : indexOf(bytes, space, from, to);
  if (!isTraditional && (stampEnd === -1 || !time.readIso(bytes, from, stampEnd, utc))) return -1;
  const last = Math.min(to - 1, stampEnd + longestTag);
  for (let at = stampEnd + 1; at < last; at++)
    if (bytes[at] === colon && bytes[at + 1] === space) return at + 2;
  return -1;
}

function behindRfc5424(bytes: Uint8Array, from: number, to: number, time: Instant): number {
  let at = from;
  for (let field = 0; field < 5; field++) {
    const blank = indexOf(bytes, space, at, to);
    if (blank === -1 || (field === 0 && !time.readIso(bytes, at, blank, utc))) return -1;
    at = blank + 1;
  }
  // Structured data: a dash, or brackets.
  const isBracketed = bytes[at] === openBracket;
  for (; at < to - 1; at++) {
    if (bytes[at + 1] !== space || (isBracketed && bytes[at] !== closeBracket)) continue;
    return startsWith(bytes, at + 2, to, byteOrderMark) ? at + 5 : at + 2;
  }
  return -1;
}

/** `docker logs --timestamps`, `kubectl logs --timestamps` and others: `time line`, ISO 8601. */
const timestamps: Wrapper = {
  name: 'lines with timestamps',
  open() {
    const time = new Instant();
    return {
      unwrap(bytes, from, to, take) {
        const blank = endOfTime(bytes, from, to, time);
        if (blank === -1) return 'no request of this format';
        take(bytes, blank + 1, to);
        return undefined;
      },
    };
  },
};

const bar = 0x7c;
const escapeMark = 0x1b;
const smallM = 0x6d;

/** docker compose: `service-1  | line`, possibly in colours. */
const compose: Wrapper = {
  name: 'docker compose',
  open: () => ({
    unwrap(bytes, from, to, take) {
      let at = behindColour(bytes, from, to);
      let hasLetter = false;
      for (; at < to && isNameByte(bytes[at] ?? 0); at++) hasLetter ||= isLetter(bytes[at] ?? 0);
      if (!hasLetter || bytes[at] !== space) return 'no request of this format';
      while (bytes[at] === space) at++;
      if (bytes[at] !== bar || bytes[at + 1] !== space) return 'no request of this format';
      take(bytes, Math.min(to, behindColour(bytes, at + 2, to)), to);
      return undefined;
    },
  }),
};

function behindColour(bytes: Uint8Array, from: number, to: number): number {
  return bytes[from] === escapeMark ? indexOf(bytes, smallM, from, to) + 1 || to : from;
}

/** Of the names of containers, without dots: an address or a host is a field of the log. */
function isNameByte(byte: number): boolean {
  return isLetter(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** OTLP JSON: each log record of an export is a line. */
const otlpExport: Wrapper = {
  name: 'OTLP',
  open: () => ({
    unwrap(bytes, from, to, take) {
      if (!startsWith(bytes, from, to, exportStart)) return 'no request of this format';
      let records: readonly unknown[];
      try {
        records = recordsOf(JSON.parse(Buffer.from(bytes.subarray(from, to)).toString()));
      } catch {
        return 'no request of this format';
      }
      if (records.length === 0) return 'a header or comment';
      for (const record of records) {
        const line = Buffer.from(JSON.stringify(record));
        take(line, 0, line.length);
      }
      return undefined;
    },
  }),
};

const exportStart = textBytes('{"resourceLogs"');

function recordsOf(exported: unknown): unknown[] {
  return listIn(exported, 'resourceLogs')
    .flatMap((resource) => listIn(resource, 'scopeLogs'))
    .flatMap((scope) => listIn(scope, 'logRecords'));
}

function listIn(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const list: unknown = Reflect.get(value, name);
  return Array.isArray(list) ? list : [];
}

/**
 * In the order in which detection prefers them; undefined is a bare line. A format often finds its
 * fields behind a prefix as well, but takes parts of the prefix for the client or the host.
 */
export const wrappers: readonly (Wrapper | undefined)[] = [
  cri,
  docker,
  syslog,
  timestamps,
  compose,
  otlpExport,
  jsonMessage,
  undefined,
];
