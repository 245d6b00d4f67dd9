/** Logs compressed with zstd, which Node.js reads from 22.15 on. */
import { storedZstd } from '@reto3/sources/testing';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { logFile, nginxLine } from '../support/log-lines.ts';

const firstMs = Date.parse('2016-05-28T11:11:11Z');
const text = Array.from({ length: 9_000 }, (_, index) => nginxLine(firstMs + index)).join('');
const half = text.length / 3;
/** Frames that programs leave out, such as pzstd's, and two of the log. */
const compressed = Buffer.concat([
  Buffer.from('UCpNGAQAAABlAAAA', 'base64'),
  ...[text.slice(0, half), text.slice(half)].map((part) => storedZstd(Buffer.from(part))),
]);

async function statsOf(content: string | Uint8Array) {
  const log = await logFile(content, 'access.log.zst');
  return { log, ...(await runCli(['stats', 'ms10', '--from', '0', '--log', log])) };
}

async function readsZstd(): Promise<boolean> {
  const { stdout } = await runCli(['version']);
  const [, major = 0, minor = 0] = /node-v(\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? [];
  return major > 22 || (major === 22 && minor >= 15);
}

test('every frame counts where Node.js reads zstd; elsewhere the error names a command', async () => {
  const found = await statsOf(compressed);
  if (await readsZstd()) {
    expect(found).toMatchObject({ code: 0, stdout: (await statsOf(text)).stdout });
    return;
  }
  expect(found).toMatchObject({ code: 1, stdout: '' });
  expect(found.stderr).toContain(`cannot read ${found.log}: it is zstd, which Node.js `);
  expect(found.stderr).toContain(`run zstd -dc ${found.log} | reto3 … --log -`);
  expect(found.stderr).toContain('[RETO3_LOG_UNREADABLE]');
});

test('nothing counts of damaged data, or of data that is cut off', async () => {
  const isRead = await readsZstd();
  for (const [content, why] of [
    [compressed.subarray(0, -9), 'it ends in the middle of its compressed data'],
    [Buffer.concat([compressed, Buffer.from('rest')]), 'its compressed data is damaged'],
  ] as const) {
    const { code, stdout, stderr } = await statsOf(content);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(isRead ? why : 'it is zstd');
  }
});
