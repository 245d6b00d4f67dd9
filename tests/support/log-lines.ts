/** Logs as nginx writes them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';

interface NginxRequest {
  readonly path?: string;
  readonly client?: string;
  /** `$request_time`, ms. */
  readonly durationMs?: number;
}

/** A line with `$msec` and `$request_time`, of a request that ended at this time, epoch ms. */
export function nginxLine(endMs: number, request: NginxRequest = {}): string {
  const { path = '/', client = '192.0.2.7', durationMs = 5 } = request;
  const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
  return `${client} - - [28/May/2016:11:11:11 +0000] "GET ${path} HTTP/1.1" 200 1 "-" "-" ${seconds(endMs)} ${seconds(durationMs)}\n`;
}

/** A file with this content, in a folder of its own. */
export async function logFile(content: string | Uint8Array, name = 'access.log'): Promise<string> {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, content);
  return file;
}
