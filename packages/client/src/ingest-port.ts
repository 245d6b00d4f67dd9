/**
 * Recognises the ingest port before a request to the query API is sent there by mistake and counted
 * as a message for good.
 *
 * The probe is a request that every server must reject: its Content-Length is not a number. The
 * ingest port closes the connection without an answer and counts nothing (a promise of the server's
 * ingest/engine.ts); the query API, or a proxy before it, answers 400. An ingest port behind a proxy can be recognised only by its answer to the real request. A TLS
 * port also closes the connection, so a closed one is then probed for TLS.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Reto3Error } from '@reto3/core';

/** A probe without an outcome proves nothing; the real request then reports the problem. */
const probeMs = 2_000;

/** Origins that answered a probe; each is probed once. */
const probed = new Set<string>();

/** @throws Reto3Error RETO3_SERVER_NOT_REACHABLE if the connection is closed without an answer */
export async function assertNotIngestPort({ origin, hostname, port }: URL): Promise<void> {
  // The ingest port speaks no TLS.
  if (probed.has(origin) || !origin.startsWith('http:')) return;
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
  if (!(await closesUnanswered(at))) {
    probed.add(origin);
    return;
  }
  const [does, hint] = (await speaksTls(at))
    ? ['speaks TLS', `use --url ${origin.replace('http:', 'https:')}`]
    : [
        'closed the connection',
        'that may be the ingest port; give the address of the query API with --url',
      ];
  throw new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `cannot reach a query API at ${origin}: the server there ${does}`,
    { hint },
  );
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function closesUnanswered({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = httpRequest({
      host,
      port,
      path: '/healthz',
      agent: false,
      timeout: probeMs,
      headers: { 'content-length': 'x' },
    });
    const end = (closed: boolean): void => {
      resolve(closed);
      probe.destroy();
    };
    probe.once('response', () => end(false));
    probe.once('timeout', () => end(false));
    probe.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNRESET'));
    probe.end();
  });
}

/**
 * A TLS record with an invalid handshake message: a TLS server answers it with an alert. To the ingest
 * port it is an incomplete request, which the end of the stream drops.
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
