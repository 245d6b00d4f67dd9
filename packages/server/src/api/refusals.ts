/**
 * Answers to what never reaches a route, and so no access control: a path such as /%, bytes that
 * are no HTTP, a head that is too large, an unknown expectation, a request that does not come to its
 * end. They are made like all others: as JSON, with the headers of every answer, and with nothing
 * about the system.
 */
import { type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyHttpOptions, FastifyReply } from 'fastify';
import { answerHeaders } from './access-control.ts';
import { longestRequestMs } from './http-server.ts';
import { errorBody } from './schemas.ts';

export const refusals = {
  // A path that cannot be decoded.
  frameworkErrors: (error: FastifyError, _: unknown, reply: FastifyReply) =>
    void reply
      .headers({ ...answerHeaders, connection: 'close' })
      .code(error.statusCode ?? 400)
      .send(errorBody('RETO3_BAD_REQUEST', error.message)),
  clientErrorHandler: (error, socket) => {
    if (socket.writable) socket.write(answerTo(error.code));
    socket.destroy(error);
  },
} satisfies FastifyHttpOptions<Server>;

/** Answers an unknown `Expect`, to which Node.js by itself would send a bare 417. */
export const refuseExpectation: RequestListener = ({ headers: { expect } }, response) => {
  const [status, headers, body] = answer(
    417,
    `got the header Expect "${expect}", want 100-continue`,
  );
  response.writeHead(status, headers).end(body);
};

function answer(status: number, message: string) {
  const body = JSON.stringify(errorBody('RETO3_BAD_REQUEST', message));
  const headers = {
    ...answerHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  return [status, headers, body] as const;
}

/** The whole answer to a client whose request is none, by the code of Node.js' error. */
function answerTo(code: string): string {
  const [status, headers, body] = answer(...(refused[code] ?? [400, 'the request is no HTTP']));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

const refused: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, `the request was not whole after ${longestRequestMs / 1_000} s`],
  HPE_HEADER_OVERFLOW: [431, 'the head of the request is too large'],
};
