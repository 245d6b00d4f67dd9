/**
 * Sends requests to the query API of a server. Every failure is a `Reto3Error`, including errors
 * that the server returns.
 *
 * Uses node:http, because loading fetch takes longer than most commands take to run. For the same
 * reason node:http is not imported: an import reads every export of a module, and on Node.js 24 one
 * of them loads all of fetch.
 */
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { type ErrorCode, errorHints, messageOf, Reto3Error, readToken } from '@reto3/core';
import type { Answers } from './answers/index.ts';
import { apiUrl, type Query } from './api-url.ts';
import { assertNotIngestPort } from './ingest-port.ts';
import { healthPath, SilenceError, watchForSilence } from './liveness.ts';

export interface ApiOptions {
  /** Address of the query API, such as http://127.0.0.1:8081. */
  readonly url: string;
  /** File with the bearer token, if the server requires one. */
  readonly tokenFile: string | undefined;
  /** PEM file with the certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
}

/**
 * Sends a request; resolves with the response, its body unread, if the status is 200 or 202.
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE, RETO3_ANSWER_CUT, RETO3_BAD_SETTING, or the error
 * that the server returns
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
  const send = await senderFor(url, api);
  await assertNotIngestPort(url, send);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = send({ method, headers: { ...headers, ...authorization } });
    watchForSilence(sent, path, () => isAlive(api));
    sent.once('response', resolve).once('error', reject).end();
  }).catch((error: unknown) => {
    const hint = hintFor(error);
    throw new Reto3Error(
      'RETO3_SERVER_NOT_REACHABLE',
      `cannot reach the server at ${api.url}: ${causeOf(error)}`,
      { cause: error, ...(hint !== undefined && { hint }) },
    );
  });
  if (response.statusCode === 200 || response.statusCode === 202) {
    if (isFromQueryApi(response)) return response;
    response.destroy();
    throw unexpectedAnswer(api.url, response.statusCode, response.headers);
  }
  const text = await textOf(response, api);
  throw errorIn(text, api) ?? unexpectedAnswer(api.url, response.statusCode ?? 0, response.headers);
}

/**
 * The query API always sets a content type, and never HTML. The ingest port answers 200 to every
 * request, so without this check `health` would take it for a ready server.
 */
function isFromQueryApi({ headers }: IncomingMessage): boolean {
  const type = headers['content-type'];
  return type !== undefined && !type.startsWith('text/html');
}

function unexpectedAnswer(url: string, status: number, headers: IncomingHttpHeaders): Reto3Error {
  return new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `no reto3 query API at ${url}: got status ${status} from something else`,
    'uwebsockets' in headers
      ? { hint: 'that may be the ingest port; give the address of the query API with --url' }
      : {},
  );
}

/** The error for an answer that was cut off. */
export function answerCut(api: ApiOptions, cause: unknown): Reto3Error {
  const message = `the server at ${api.url} broke off its answer: ${messageOf(cause)}`;
  return new Reto3Error('RETO3_ANSWER_CUT', message, { cause });
}

/** Loads TLS only if the URL needs it. @throws Reto3Error RETO3_BAD_SETTING */
async function senderFor(
  url: URL,
  { ca }: ApiOptions,
): Promise<(options: RequestOptions) => ClientRequest> {
  if (url.protocol === 'http:') {
    const { request } = process.getBuiltinModule('node:http');
    return (options) => request(url, options);
  }
  const trusted = ca === undefined ? {} : { ca: await certificatesOf(ca) };
  const { request } = process.getBuiltinModule('node:https');
  return (options) => request(url, { ...options, ...trusted });
}

/** @throws Reto3Error RETO3_BAD_SETTING */
async function certificatesOf(file: string): Promise<string> {
  const hint = 'give a PEM file with the certificates of the CA';
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `cannot read --ca "${file}": ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause, hint });
  });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new Reto3Error('RETO3_BAD_SETTING', `got --ca "${file}", which contains no certificate`, {
    hint,
  });
}

/** Whether the server answers at all, with any status. */
async function isAlive(api: ApiOptions): Promise<boolean> {
  try {
    (await request(api, healthPath, {})).resume();
    return true;
  } catch (error) {
    return !(error instanceof Reto3Error) || error.code !== 'RETO3_SERVER_NOT_REACHABLE';
  }
}

function tokenOf(file: string): Promise<string> {
  return readToken('token-file', file, 'give a file that contains the token');
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

/** The error that an answer contains; undefined if the answer has another form. */
function errorIn(text: string, api: ApiOptions): Reto3Error | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (!isErrorBody(body)) return undefined;
    const { code, message, hint } = body;
    const isRefused = code === 'RETO3_UNAUTHORIZED';
    return new Reto3Error(code, message, { hint: isRefused ? tokenHint(api) : hint });
  } catch {
    // Not JSON, so not from the query API.
    return undefined;
  }
}

/** The server's own hint names the header, which this client sends. */
function tokenHint({ tokenFile }: ApiOptions): string {
  return tokenFile === undefined
    ? 'give the file with its token with --token-file'
    : `the token in ${tokenFile} is not the server's`;
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

/** The cure for a silent server or a TLS failure; undefined for other failures. */
function hintFor(error: unknown): string | undefined {
  if (error instanceof SilenceError)
    return error.connected
      ? 'it accepts connections but does not answer: it may be paused or overloaded'
      : 'check the address, and for a firewall in between';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (untrusted.has(code)) return 'give the certificates of its CA with --ca FILE';
  // The ingest port closes the connection, as it does for anything that is not HTTP.
  const noHandshake = messageOf(error).includes('before secure TLS connection was established');
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO' || noHandshake)
    return 'the port may not speak TLS: try http://';
  return undefined;
}

/** If every address of a name fails, Node.js throws an error that has a code but no message. */
function causeOf(error: unknown): string {
  return (
    messageOf(error) ||
    (error instanceof Error && 'code' in error ? String(error.code) : 'no connection')
  );
}
