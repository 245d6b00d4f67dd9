/**
 * Tells the port that takes requests from the query API, before a question to it becomes a message
 * that is counted for good.
 *
 * The probe is a request that no server may take: its Content-Length is no number. The ingest port
 * closes the connection without an answer and counts nothing (the server's ingest/body.ts, with both
 * builds of uWebSockets.js); the query API, and a proxy before it, answers 400 before a handler sees
 * the request. An ingest port behind a proxy is found out only by its answer to the question. A port
 * that speaks TLS closes the connection too, so what closes it is then addressed in TLS.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Reto3Error } from '@reto3/core';

/** A probe that nothing comes of says nothing; the question itself then says what is wrong. */
const probeMs = 2_000;

/** Where something answered, so that it is asked once only: https://host:port. */
const known = new Set<string>();

/** @throws Reto3Error RETO3_SERVER_NOT_REACHABLE where the connection is closed without an answer */
export async function assertNotIngestPort({ origin, hostname, port }: URL): Promise<void> {
  // The API over TLS is reached through other agents, and mostly a proxy.
  if (known.has(origin) || !origin.startsWith('http:')) return;
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
  if (!(await closesUnanswered(at))) {
    known.add(origin);
    return;
  }
  const [does, hint] = (await speaksTls(at))
    ? ['speaks TLS', `ask with --url ${origin.replace('http:', 'https:')}`]
    : [
        'closed the connection',
        'that may be the port that takes the requests; name the query API with --url',
      ];
  throw new Reto3Error(
    'RETO3_SERVER_NOT_REACHABLE',
    `cannot reach a query API at ${origin}: what listens there ${does}`,
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
 * A TLS record with a handshake message that no client sends: whatever speaks TLS answers it with an
 * alert. To the port that takes requests it is half a head, which the end of the stream gives up.
 */
const noGreeting = Buffer.from('16030100040d0a0d0a', 'hex');
const alertType = 0x15;

function speaksTls(at: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: probeMs }).end(noGreeting);
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
