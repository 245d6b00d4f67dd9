/**
 * Recognises the ingest port. A request to the query API that goes there by mistake would be
 * counted as a message for good.
 *
 * The probe is a request that every server must reject: its Content-Length is not a number. The
 * ingest port counts nothing, and either closes the connection without an answer or names itself in
 * the answer (the server's ingest/engine.ts promises that). The query API, or a proxy in front of it,
 * answers 400. An ingest port behind a proxy can be recognised only by its answer to the real
 * request. A TLS port also closes the connection of a plain request, so a plain connection that is
 * closed is followed by a probe for TLS.
 */
import type { ClientRequest } from 'node:http';
import type { RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { ingestServer, Reto3Error } from '@reto3/core';
import { portProbeMs } from './liveness.ts';

/** Origins that answered a probe; each is probed once. */
const probed = new Set<string>();

/**
 * @param send sends a request to the URL, with TLS if it is https
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE for an ingest port, or what may be one
 */
export async function assertNotIngestPort(
  url: URL,
  send: (options: RequestOptions) => ClientRequest,
): Promise<void> {
  const { origin } = url;
  if (probed.has(origin)) return;
  const outcome = await probe(send, url.protocol === 'https:');
  if (outcome === 'something else') {
    probed.add(origin);
    return;
  }
  const [does, hint] = await explain(outcome, url);
  throw new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `cannot reach a query API at ${origin}: the server there ${does}`,
    { hint },
  );
}

type Outcome = 'ingest port' | 'closed' | 'something else';

async function explain(outcome: Outcome, url: URL): Promise<[string, string]> {
  const cure = 'give the address of the query API with --url';
  if (outcome === 'ingest port') return ['takes requests to be counted', cure];
  if (url.protocol === 'http:' && (await speaksTls(url)))
    return ['speaks TLS', `use --url ${url.origin.replace('http:', 'https:')}`];
  return ['closed the connection', `that may be the ingest port; ${cure}`];
}

/** Fails to connect, or to agree on TLS, as the real request will, which then reports the reason. */
function probe(
  send: (options: RequestOptions) => ClientRequest,
  isSecure: boolean,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const asked = send({
      path: '/healthz',
      agent: false,
      timeout: portProbeMs,
      headers: { 'content-length': 'x' },
    });
    let connected = false;
    asked.once('socket', (socket) =>
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        connected = true;
      }),
    );
    const end = (outcome: Outcome): void => {
      resolve(outcome);
      asked.destroy();
    };
    asked.once('response', ({ headers }) =>
      end(headers['server'] === ingestServer ? 'ingest port' : 'something else'),
    );
    asked.once('timeout', () => end('something else'));
    asked.on('error', ({ code }: NodeJS.ErrnoException) =>
      end(connected && code === 'ECONNRESET' ? 'closed' : 'something else'),
    );
    asked.end();
  });
}

/**
 * A TLS record with an invalid handshake message. A TLS server answers it with an alert; the ingest
 * port takes it for an incomplete request and drops it when the stream ends.
 */
const invalidHandshake = Buffer.from('16030100040d0a0d0a', 'hex');
const alertType = 0x15;

function speaksTls({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const at = { host, port: Number(port || 80), timeout: portProbeMs };
    const socket = connect(at).end(invalidHandshake);
    const end = (speaks: boolean): void => {
      resolve(speaks);
      socket.destroy();
    };
    socket.once('data', ([first]) => end(first === alertType));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
    socket.on('error', () => undefined);
  });
}
