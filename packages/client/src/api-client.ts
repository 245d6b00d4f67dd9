/**
 * Talks to a server's query API. Errors come out as `Reto3Error`, the server's own among them.
 *
 * node:http and not fetch: fetch takes longer to load than most commands take to run.
 */
import { readFile } from 'node:fs/promises';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import type { RequestOptions } from 'node:https';
import { type ErrorCode, errorHints, messageOf, Reto3Error, readToken } from '@reto3/core';
import type { Answers } from './answers/index.ts';
import { apiUrl, type Query } from './api-url.ts';
import { assertNotIngestPort } from './ingest-port.ts';
import { healthPath, Silence, watch } from './liveness.ts';

export interface ApiOptions {
  /** Where the query API is, such as http://127.0.0.1:8081. */
  readonly url: string;
  /** File with the bearer token, where the server asks for one. */
  readonly tokenFile: string | undefined;
  /** File with the certificates, PEM, that are trusted instead of the usual ones. */
  readonly ca?: string | undefined;
}

/**
 * Asks for a path; resolves with the response, its body still to be read, once the server has
 * answered 200 or 202.
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE, RETO3_ANSWER_CUT, RETO3_BAD_SETTING, or what the
 * server answers
 */
export async function request(
  api: ApiOptions,
  path: string,
  query: Query,
  headers: Readonly<Record<string, string>> = {},
  method: 'GET' | 'POST' = 'GET',
): Promise<IncomingMessage> {
  const url = apiUrl(api.url, path, query);
  const authorization =
    api.tokenFile === undefined ? {} : { authorization: `Bearer ${await tokenOf(api.tokenFile)}` };
  await assertNotIngestPort(url);
  const ask = await asker(url, api);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = ask({ method, headers: { ...headers, ...authorization } });
    watch(asked, path, () => isAlive(api));
    asked.once('response', resolve).once('error', reject).end();
  }).catch((error: unknown) => {
    const hint = hintFor(error);
    throw new Reto3Error(
      'RETO3_SERVER_NOT_REACHABLE',
      `cannot reach the server at ${api.url}: ${causeOf(error)}`,
      { cause: error, ...(hint !== undefined && { hint }) },
    );
  });
  if (response.statusCode === 200 || response.statusCode === 202) {
    if (isOfQueryApi(response)) return response;
    response.destroy();
    throw foreignAnswer(api.url, response.statusCode, response.headers);
  }
  const text = await textOf(response, api);
  throw errorIn(text) ?? foreignAnswer(api.url, response.statusCode ?? 0, response.headers);
}

/**
 * Our own answers always name their type, and are never a page. The port that takes requests answers
 * 200 to anything, and without this check `health` would take that for a server that is ready.
 */
function isOfQueryApi({ headers }: IncomingMessage): boolean {
  const type = headers['content-type'];
  return type !== undefined && !type.startsWith('text/html');
}

function foreignAnswer(url: string, status: number, headers: IncomingHttpHeaders): Reto3Error {
  return new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `what answers at ${url} is no reto3 query API: status ${status}`,
    'uwebsockets' in headers
      ? { hint: 'that may be the port that takes the requests; name the query API with --url' }
      : {},
  );
}

/** What to throw where the body of an answer ended before its end. */
export function answerCut(api: ApiOptions, cause: unknown): Reto3Error {
  const message = `the server at ${api.url} broke off its answer: ${messageOf(cause)}`;
  return new Reto3Error('RETO3_ANSWER_CUT', message, { cause });
}

/** TLS is loaded only where it is spoken. @throws Reto3Error RETO3_BAD_SETTING */
async function asker(
  url: URL,
  { ca }: ApiOptions,
): Promise<(options: RequestOptions) => ClientRequest> {
  if (url.protocol === 'http:') return (options) => httpRequest(url, options);
  const trusted = ca === undefined ? {} : { ca: await certificatesOf(ca) };
  const { request: httpsRequest } = await import('node:https');
  return (options) => httpsRequest(url, { ...options, ...trusted });
}

/** @throws Reto3Error RETO3_BAD_SETTING */
async function certificatesOf(file: string): Promise<string> {
  const hint = 'name a PEM file with the certificates of the CA';
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `cannot read --ca "${file}": ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause, hint });
  });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new Reto3Error('RETO3_BAD_SETTING', `got --ca "${file}" without a certificate in it`, {
    hint,
  });
}

/** Whether the server answers at all; what it answers does not matter. */
async function isAlive(api: ApiOptions): Promise<boolean> {
  try {
    (await request(api, healthPath, {})).resume();
    return true;
  } catch (error) {
    return !(error instanceof Reto3Error) || error.code !== 'RETO3_SERVER_NOT_REACHABLE';
  }
}

function tokenOf(file: string): Promise<string> {
  return readToken('token-file', file, 'name a file that holds the token');
}

/** The whole body of an answer. @throws Reto3Error RETO3_ANSWER_CUT */
export async function textOf(response: IncomingMessage, api: ApiOptions): Promise<string> {
  let text = '';
  try {
    for await (const piece of response.setEncoding('utf8')) text += piece;
  } catch (error) {
    throw answerCut(api, error);
  }
  return text;
}

/**
 * The JSON answer to a GET of a path.
 * @throws Reto3Error as `request` does
 */
export async function ask<Path extends keyof Answers>(
  api: ApiOptions,
  path: Path,
  query: Query = {},
): Promise<Answers[Path]> {
  const text = await textOf(await request(api, path, query), api);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw answerCut(api, error);
  }
}

/** The error that the server tells of; undefined where it is no error of ours. */
function errorIn(text: string): Reto3Error | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isErrorBody(body)
      ? new Reto3Error(body.code, body.message, { hint: body.hint })
      : undefined;
  } catch {
    // Not JSON, so not our server.
    return undefined;
  }
}

function isErrorBody(body: unknown): body is { code: ErrorCode; message: string; hint: string } {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'string' &&
    Object.hasOwn(errorHints, body.code) &&
    'message' in body &&
    typeof body.message === 'string' &&
    'hint' in body &&
    typeof body.hint === 'string'
  );
}

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The cure for silence and for a failure of TLS; undefined where it is another failure. */
function hintFor(error: unknown): string | undefined {
  if (error instanceof Silence)
    return error.connected
      ? 'it accepts connections and does not answer: it may be paused or overloaded'
      : 'see that the address is right, and that no firewall is in between';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (untrusted.has(code)) return 'name the certificates of its CA with --ca FILE';
  // The port that takes the requests closes the connection, as it does with all that is none.
  const noHandshake = messageOf(error).includes('before secure TLS connection was established');
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO' || noHandshake)
    return 'the port may not speak TLS: try http://';
  return undefined;
}

/** Node.js tries several addresses of a name and then says nothing but the code. */
function causeOf(error: unknown): string {
  return (
    messageOf(error) ||
    (error instanceof Error && 'code' in error ? String(error.code) : 'no connection')
  );
}
