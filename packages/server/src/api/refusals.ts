/**
 * Answers to what never reaches a route, and so no access control: a path such as /%, bytes that
 * are no HTTP, a head that is too large, a request that does not come to its end. They are made like
 * all others: as JSON, with the headers of every answer, and with nothing about the system.
 */
import { type Server, STATUS_CODES } from 'node:http';
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

/** The whole answer to a client whose request is none, by the code of Node.js' error. */
function answerTo(code: string): string {
  const [status, message] = refused[code] ?? [400, 'the request is no HTTP'];
  const body = JSON.stringify(errorBody('RETO3_BAD_REQUEST', message));
  const headers = {
    ...answerHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

const refused: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, `the request was not whole after ${longestRequestMs / 1_000} s`],
  HPE_HEADER_OVERFLOW: [431, 'the head of the request is too large'],
};
