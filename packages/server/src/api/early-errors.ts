/**
 * Answers to requests that never reach a route or access control: an undecodable path such as /%,
 * bytes that are not HTTP, oversized headers, an unknown Expect, an incomplete request. Like all
 * other errors they are JSON with the security headers, and reveal nothing about the system.
 */
import type { RequestListener, Server } from 'node:http';
import type { FastifyError, FastifyHttpOptions, FastifyReply } from 'fastify';
import { securityHeaders } from './access-control.ts';
import { requestTimeoutMs } from './http-server.ts';
import { errorBody } from './schemas.ts';

// An import would load all of fetch on Node.js 24; see the client's api-client.ts.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export const earlyErrorHandlers = {
  // An undecodable path.
  frameworkErrors: (error: FastifyError, _: unknown, reply: FastifyReply) =>
    void reply
      .headers({ ...securityHeaders, connection: 'close' })
      .code(error.statusCode ?? 400)
      .send(errorBody('RETO3_BAD_REQUEST', error.message)),
  clientErrorHandler: (error, socket) => {
    if (socket.writable) socket.write(rawAnswer(error.code));
    socket.destroy(error);
  },
} satisfies FastifyHttpOptions<Server>;

/** Answers an unknown `Expect`; Node.js alone would send an empty 417. */
export const rejectExpectation: RequestListener = ({ headers: { expect } }, response) => {
  const [status, headers, body] = answer(
    417,
    `got the header Expect "${expect}", want 100-continue`,
  );
  response.writeHead(status, headers).end(body);
};

function answer(status: number, message: string) {
  const body = JSON.stringify(errorBody('RETO3_BAD_REQUEST', message));
  const headers = {
    ...securityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  return [status, headers, body] as const;
}

/**
 * The raw answer to bytes that Node.js could not parse.
 * @param code of the parser's error
 */
function rawAnswer(code: string): string {
  const [status, headers, body] = answer(
    ...(parseErrors[code] ?? [400, 'the request is not valid HTTP']),
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

const parseErrors: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, `the request was incomplete after ${requestTimeoutMs / 1_000} s`],
  HPE_HEADER_OVERFLOW: [431, 'the headers of the request are too large'],
};
