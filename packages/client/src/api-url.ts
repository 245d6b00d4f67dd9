/** Parses --url: the address of the query API, optionally below the path of a proxy. */
import { Reto3Error } from '@reto3/core';

export type Query = Readonly<Record<string, string | undefined>>;

/** The URL of a path of the query API. @throws Reto3Error RETO3_BAD_SETTING */
export function apiUrl(base: string, path: string, query: Query): URL {
  const url = baseOf(base);
  url.pathname = url.pathname.replace(/\/+$/, '') + path;
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

function baseOf(base: string): URL {
  if (!URL.canParse(base) || !/^https?:\/\//i.test(base)) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --url "${base}", want something like http://127.0.0.1:8081`,
      { hint: 'the server logs the address of its query API at startup' },
    );
  }
  const url = new URL(base);
  // Credentials are secret, so the message omits the URL.
  if (url.username !== '' || url.password !== '') {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --url with a user name or password for ${url.host}, want none`,
      { hint: 'put the bearer token into a file and give it with --token-file' },
    );
  }
  if (/[?#]/.test(base)) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --url "${base}", want it without ${base.includes('?') ? 'a query' : 'a fragment'}`,
      { hint: 'remove everything after the path' },
    );
  }
  return url;
}
