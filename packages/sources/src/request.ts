/**
 * What a line says about its request besides times: ranges of its bytes, turned into strings only on
 * demand. Reused from line to line.
 *
 * Programs write the same things differently. Here a target has no scheme, a client no port, and a
 * dash is empty.
 */
import {
  backslash,
  closeBracket,
  colon,
  comma,
  digitAt,
  dot,
  indexOf,
  minus,
  openBracket,
  slash,
  space,
} from './bytes.ts';

const none = new Uint8Array();
const question = 0x3f;
const hash = 0x23;
const colonsOfIpv6 = 7;
const shortestMethod = 'GET'.length;

/** A range of bytes; empty if the line has none. */
class Slice {
  bytes: Uint8Array = none;
  from = 0;
  to = 0;

  get isEmpty(): boolean {
    return this.from === this.to;
  }

  clear(): void {
    this.from = this.to = 0;
  }

  set(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    const isDash = to - from === 1 && bytes[from] === minus;
    this.from = isDash ? to : from;
    this.to = to;
  }

  text(): string {
    const { bytes, from, to } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
  }
}

export class Request {
  readonly method = new Slice();
  /** Without the query. */
  readonly path = new Slice();
  /** Without the question mark. */
  readonly query = new Slice();
  readonly host = new Slice();
  /** An address without its port. */
  readonly client = new Slice();
  /** Only on demand: it is the longest, and comes last. */
  readonly agent = new Slice();
  /** 0 if the line has none. */
  status = 0;
  readonly takesAgent: boolean;

  constructor(takesAgent: boolean) {
    this.takesAgent = takesAgent;
  }

  clear(): void {
    this.method.clear();
    this.path.clear();
    this.query.clear();
    this.host.clear();
    this.client.clear();
    this.agent.clear();
    this.status = 0;
  }

  /** Takes `GET /a?b HTTP/1.1`; false for anything else. */
  setLine(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    while (at < to && isMethodByte(bytes[at] ?? 0)) at++;
    if (at === from || at >= to || bytes[at] !== space) return false;
    this.method.set(bytes, from, at);
    const end = indexOf(bytes, space, at + 1, to);
    this.setTarget(bytes, at + 1, end === -1 ? to : end);
    return true;
  }

  /** Takes a path with a query, or a URL, whose host is used unless there is one already. */
  setTarget(bytes: Uint8Array, from: number, to: number): void {
    let path = from;
    const mark = bytes[from] === slash ? -1 : indexOf(bytes, colon, from, to);
    if (mark !== -1 && bytes[mark + 1] === slash && bytes[mark + 2] === slash && mark + 3 <= to) {
      path = mark + 3;
      while (path < to && bytes[path] !== slash && bytes[path] !== question) path++;
      if (this.host.isEmpty) this.host.set(bytes, mark + 3, path);
      if (path === to) {
        // `http://example.com` means the root: the second slash of its scheme.
        this.path.set(bytes, mark + 2, mark + 3);
        this.query.clear();
        return;
      }
    }
    let end = path;
    while (end < to && bytes[end] !== question && bytes[end] !== hash) end++;
    this.path.set(bytes, path, end);
    let queryEnd = end;
    if (bytes[end] === question && end < to)
      while (queryEnd < to && bytes[queryEnd] !== hash) queryEnd++;
    this.query.set(bytes, Math.min(end + 1, queryEnd), queryEnd);
  }

  setStatus(bytes: Uint8Array, from: number, to: number): void {
    this.status = isStatus(bytes, from, to)
      ? 100 * digitAt(bytes, from) + 10 * digitAt(bytes, from + 1) + digitAt(bytes, from + 2)
      : 0;
  }

  /** Takes an address, with or without a port and brackets, or a name; of several, the first. */
  setClient(bytes: Uint8Array, from: number, lastTo: number): void {
    const end = indexOf(bytes, comma, from, lastTo);
    const to = end === -1 ? lastTo : end;
    if (bytes[from] === openBracket) {
      const close = indexOf(bytes, closeBracket, from, to);
      this.client.set(bytes, from + 1, close === -1 ? to : close);
      return;
    }
    const port = indexOf(bytes, colon, from, to);
    // A second colon is of IPv6.
    const isPort = port !== -1 && indexOf(bytes, colon, port + 1, to) === -1;
    this.client.set(bytes, from, isPort ? port : to);
  }
}

/** The parts of a request that a column or a key can hold. */
export type Part = 'line' | 'method' | 'target' | 'status' | 'host' | 'client' | 'agent';

/** In the order to set them: a host of its own takes precedence over that of a URL. */
export const parts: readonly Part[] = [
  ...(['host', 'line', 'method', 'target', 'status', 'client', 'agent'] as const),
];

/** Names of columns or keys, best first. */
export type PartNames = Partial<Readonly<Record<Part, readonly string[]>>>;

export function setPart(
  request: Request,
  part: Part,
  bytes: Uint8Array,
  from: number,
  to: number,
): void {
  switch (part) {
    case 'line':
      if (!request.setLine(bytes, from, to) && bytes[from] === slash)
        request.setTarget(bytes, from, to);
      return;
    case 'target':
      request.setTarget(bytes, from, to);
      return;
    case 'status':
      request.setStatus(bytes, from, to);
      return;
    case 'client':
      request.setClient(bytes, from, to);
      return;
    default:
      request[part].set(bytes, from, to);
  }
}

/** The text of a JSON string without its escapes; undefined if it has none, or is invalid. */
export function unescaped(bytes: Uint8Array, from: number, to: number): Uint8Array | undefined {
  if (indexOf(bytes, backslash, from, to) === -1) return undefined;
  try {
    const text: unknown = JSON.parse(`"${Buffer.from(bytes.subarray(from, to)).toString()}"`);
    return Buffer.from(String(text));
  } catch {
    return undefined;
  }
}

/** Whether a text is three digits. */
export function isStatus(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== 3) return false;
  for (let at = from; at < to; at++) if (digitAt(bytes, at) > 9) return false;
  return true;
}

/** Whether a text looks like an IPv4 or IPv6 address, with or without a port. No time of day does. */
export function isAddress(bytes: Uint8Array, from: number, to: number): boolean {
  let dots = 0;
  let colons = 0;
  let isShortened = false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === dot) dots++;
    else if (byte === colon) {
      colons++;
      isShortened ||= bytes[at + 1] === colon;
    } else if (byte !== openBracket && byte !== closeBracket && !isHexDigit(byte)) return false;
  }
  return dots === 3 || isShortened || colons >= colonsOfIpv6;
}

/** Whether a text begins as a request line does: a method, a blank. */
export function isRequestLine(bytes: Uint8Array, from: number, to: number): boolean {
  const end = behindCapitals(bytes, from, to);
  return end - from >= shortestMethod && end < to && bytes[end] === space;
}

/** Whether a text is a method, such as `GET`. */
export function isMethod(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= shortestMethod && behindCapitals(bytes, from, to) === to;
}

function behindCapitals(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isCapital(bytes[at] ?? 0)) at++;
  return at;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

function isMethodByte(byte: number): boolean {
  return isCapital(byte) || byte === minus || byte === 0x5f;
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
