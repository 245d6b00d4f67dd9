/** Flags that several commands share. */
import { Flags } from '@oclif/core';
import type { ApiOptions } from './api-client.ts';

/** Where the server is and how to get in. */
export const apiFlags = {
  url: Flags.string({
    description: "where the server's query API is",
    default: 'http://127.0.0.1:8081',
    env: 'RETO3_URL',
    helpValue: 'URL',
  }),
  'token-file': Flags.string({
    description: 'file with the bearer token, where the server asks for one',
    env: 'RETO3_ADMIN_TOKEN_FILE',
    helpValue: 'FILE',
  }),
};

const times = 'ISO 8601 (UTC), epoch ms, or an age such as 90s, 5m, 2h, 1d';

/** A range of windows. */
export const rangeFlags = {
  from: Flags.string({
    description: `windows that start at or after this time: ${times}`,
    helpValue: 'TIME',
  }),
  to: Flags.string({ description: 'windows that start before this time', helpValue: 'TIME' }),
};

/** A server, or the data folder of one that is stopped. */
export const sourceFlags = {
  ...apiFlags,
  'data-dir': Flags.string({
    description: 'read this data folder directly; no server may hold it',
    helpValue: 'FOLDER',
  }),
};

export function apiOptionsOf(flags: {
  readonly url: string;
  readonly 'token-file': string | undefined;
}): ApiOptions {
  return { url: flags.url, tokenFile: flags['token-file'] };
}
