/** Reads docs/format.md, for the tests that compare it with the code. */
import { readFileSync } from 'node:fs';

export function formatDocument(): string {
  return readFileSync(new URL('../../../../docs/format.md', import.meta.url), 'utf8');
}

/**
 * The bytes of an example, in hexadecimal. Two spaces end the bytes of a line; `00 × 3` stands for
 * three zeros.
 */
export function exampleBytes(example: string): string {
  const document = formatDocument();
  const start = document.indexOf(`<!-- example: ${example} -->`);
  const [, block = ''] = document.slice(start).split('```\n', 2);
  const bytes = block.split('\n').map((line) => line.split('  ', 1)[0] ?? '');
  return bytes
    .join(' ')
    .replaceAll(/(\w\w) × (\d+)/g, (_, byte: string, times: string) => byte.repeat(Number(times)))
    .replaceAll(' ', '');
}
