/**
 * Recognises the ingest port. A request to the query API that goes there by mistake would be
 * counted as a message for good.
 *
 * The probe is a request that every server must reject: its Content-Length is not a number. The
 * ingest port counts nothing, and either closes the connection without an answer or names itself in
 * the answer (the server's ingest/engine.ts promises that). The query API, or a proxy in front of it,
 * answers 400. An ingest port behind a proxy can be recognised only by its answer to the real
 * request. A TLS port also closes the connection, so a closed connection is followed by a probe for
 * TLS.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { ingestServer, Reto3Error } from '@reto3/core';

/** A probe that times out proves nothing; the real request then reports the problem. */
const probeMs = 2_000;

/** Origins that answered a probe; each is probed once. */
const probed = new Set<string>();

/**
 * Over TLS it checks nothing.
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE for an ingest port, or what may be one
 */
export async function assertNotIngestPort({ origin, hostname, port }: URL): Promise<void> {
  if (probed.has(origin) || !origin.startsWith('http:')) return;
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
  const outcome = await probe(at);
  if (outcome === 'something else') {
    probed.add(origin);
    return;
  }
  const [does, hint] = await explain(outcome, origin, at);
  throw new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `cannot reach a query API at ${origin}: the server there ${does}`,
    { hint },
  );
}

type Outcome = 'ingest port' | 'closed' | 'something else';

async function explain(outcome: Outcome, origin: string, at: Address): Promise<[string, string]> {
  const cure = 'give the address of the query API with --url';
  if (outcome === 'ingest port') return ['takes requests to be counted', cure];
  if (await speaksTls(at)) return ['speaks TLS', `use --url ${origin.replace('http:', 'https:')}`];
  return ['closed the connection', `that may be the ingest port; ${cure}`];
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function probe({ host, port }: Address): Promise<Outcome> {
  return new Promise((resolve) => {
    const asked = httpRequest({
      host,
      port,
      path: '/healthz',
      agent: false,
      timeout: probeMs,
      headers: { 'content-length': 'x' },
    });
    const end = (outcome: Outcome): void => {
      resolve(outcome);
      asked.destroy();
    };
    asked.once('response', ({ headers }) =>
      end(headers['server'] === ingestServer ? 'ingest port' : 'something else'),
    );
    asked.once('timeout', () => end('something else'));
    asked.on('error', ({ code }: NodeJS.ErrnoException) =>
      end(code === 'ECONNRESET' ? 'closed' : 'something else'),
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

function speaksTls(at: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: probeMs }).end(invalidHandshake);
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
