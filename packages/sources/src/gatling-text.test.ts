/** Binary logs of Gatling, written record by record, and read as text. */
import { once } from 'node:events';
import { Random } from '@reto3/core/testing';
import { expect, test } from 'vitest';
import { GatlingText, isBinaryGatling } from './gatling-text.ts';
import { int, knownName, newName, requestRecord, runRecord } from './testing/binary-gatling.ts';

const startMs = Date.parse('2016-05-28T11:11:11Z');

const request = (
  groups: Buffer[],
  label: Buffer,
  from: number,
  to: number,
  message: Buffer,
): Buffer =>
  requestRecord({ groups, label, from, to, isGood: message.equals(newName(3, '')), message });

const user = Buffer.concat([Buffer.of(2), int(1), Buffer.of(1), int(12)]);
const group = Buffer.concat([
  ...[Buffer.of(3), int(1), knownName(1)],
  ...[int(0), int(9), int(5), Buffer.of(1)],
]);
const failure = Buffer.concat([Buffer.of(4), newName(9, 'no\tfeed'), int(77)]);

const records = [
  runRecord(startMs),
  user,
  request([newName(1, 'cart')], newName(2, 'home page'), 123, 138, newName(3, '')),
  request([knownName(1), newName(4, 'pay')], knownName(2), 130, 131, newName(5, 'status 500')),
  request([], newName(6, 'año €', 'utf16le'), 2_000, 2_001, newName(3, '')),
  group,
  failure,
  request([], knownName(6), -1, 7, newName(3, '')),
];
const log = Buffer.concat(records);

const text = [
  `RUN\tshop.Basic\t\t${startMs}\ta run\t3.13.1`,
  'USER\t',
  `REQUEST\tcart\thome page\t${startMs + 123}\t${startMs + 138}\tOK\t`,
  `REQUEST\tcart,pay\thome page\t${startMs + 130}\t${startMs + 131}\tKO\tstatus 500`,
  `REQUEST\t\taño €\t${startMs + 2_000}\t${startMs + 2_001}\tOK\t`,
  'GROUP\t',
  `ERROR\tno feed\t${startMs + 77}`,
  `REQUEST\t\taño €\t\t${startMs + 7}\tOK\t`,
  '',
].join('\n');

async function read(bytes: Buffer, chunkBytes = bytes.length): Promise<string> {
  const reader = new GatlingText();
  const chunks: Buffer[] = [];
  reader.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let at = 0; at < bytes.length; at += chunkBytes)
    reader.write(bytes.subarray(at, at + chunkBytes));
  reader.end();
  await once(reader, 'end');
  return Buffer.concat(chunks).toString();
}

test.each([1, 7, 1_000])('reads each record, in chunks of %i bytes', async (chunkBytes) => {
  expect(await read(log, chunkBytes)).toBe(text);
});

test('is recognised by its first bytes, which no text has', () => {
  expect(isBinaryGatling(log.subarray(0, 8))).toBe(true);
  for (const other of [
    '',
    'RUN\tshop.Basic',
    '\0\0\0\0 3.13',
    '\0\0\0\0\0\0\0\0',
    '\0\0\0\0\x063x13',
  ])
    expect(isBinaryGatling(Buffer.from(other, 'latin1'))).toBe(false);
});

test('makes a line of a record that is cut off', async () => {
  const last = records.at(-1)?.length ?? 0;
  const whole = text.slice(0, text.lastIndexOf('REQUEST'));
  expect(await read(log.subarray(0, -3))).toBe(
    `${whole}${last - 3} bytes of a record without its end\n`,
  );
});

test.each([
  ['of no kind', Buffer.concat([log, Buffer.of(7)]), 'has the unknown kind 7'],
  [
    'with a name that no other has',
    Buffer.concat([log, request([], knownName(99), 0, 1, knownName(3))]),
    'has the unknown name 99',
  ],
  [
    'with a negative length',
    Buffer.concat([log, Buffer.of(4), int(8), int(-1)]),
    'has the length -1',
  ],
])('refuses a record %s, and says where it begins', async (_, bytes, why) => {
  await expect(read(bytes)).rejects.toThrow(why);
});

test('reads damaged logs to some end', async () => {
  const random = new Random(20_160_528);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(log);
    for (let change = random.between(1, 4); change > 0; change--)
      bytes[random.below(bytes.length)] = random.below(256);
    await read(bytes, 1 + random.below(bytes.length)).catch((error: unknown) => {
      expect(String(error)).toMatch(/^Error: its record at byte \d+ has /);
    });
  }
});
