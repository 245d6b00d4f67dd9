/** Records of Gatling's binary log, as Gatling writes them (gatling-text.ts has the grammar). */
export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string, encoding: 'latin1' | 'utf16le' = 'latin1'): Buffer {
  const bytes = Buffer.from(text, encoding);
  return bytes.length === 0
    ? int(0)
    : Buffer.concat([int(bytes.length), bytes, Buffer.of(encoding === 'latin1' ? 0 : 1)]);
}

/** A name when it first occurs. */
export function newName(id: number, text: string, encoding?: 'utf16le'): Buffer {
  return Buffer.concat([int(id), string(text, encoding)]);
}

export function knownName(id: number): Buffer {
  return int(-id);
}

export function runRecord(startMs: number): Buffer {
  const start = Buffer.alloc(8);
  start.writeBigInt64BE(BigInt(startMs));
  return Buffer.concat([
    ...[Buffer.of(0), string('3.13.1'), string('shop.Basic'), start, string('a\nrun')],
    ...[int(2), string('buyers'), string('visitors'), int(1), int(3), Buffer.of(1, 2, 3)],
  ]);
}

interface GatlingRequest {
  readonly groups?: readonly Buffer[];
  readonly label: Buffer;
  /** Ms since the start of the run. */
  readonly from: number;
  readonly to: number;
  readonly isGood: boolean;
  readonly message: Buffer;
}

export function requestRecord(request: GatlingRequest): Buffer {
  const { groups = [], label, from, to, isGood, message } = request;
  return Buffer.concat([
    ...[Buffer.of(1), int(groups.length), ...groups, label, int(from), int(to)],
    ...[Buffer.of(isGood ? 1 : 0), message],
  ]);
}
