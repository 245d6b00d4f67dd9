/** Reads --url: where the query API is, perhaps under a path that a proxy gives it. */
import { Reto3Error } from '@reto3/core';

export type Query = Readonly<Record<string, string | undefined>>;

/** The address of a path of the query API. @throws Reto3Error RETO3_BAD_SETTING */
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
      { hint: 'the server logs the address of its query API when it starts' },
    );
  }
  const url = new URL(base);
  // What stands before the @ is a secret, so it is not repeated.
  if (url.username !== '' || url.password !== '') {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --url with a user or password for ${url.host}, want it without`,
      { hint: 'put the bearer token into a file and name it with --token-file' },
    );
  }
  if (/[?#]/.test(base)) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `got --url "${base}", want it without ${base.includes('?') ? 'a query' : 'a fragment'}`,
      { hint: 'leave out what follows the path' },
    );
  }
  return url;
}
