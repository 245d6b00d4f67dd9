/**
 * pino (pino-http, Fastify) and bunyan, JSON: the line of an answered request has `res.statusCode`.
 * `time` is the end, in ms since the epoch or ISO 8601; `responseTime` is in ms.
 *
 * Where a handler fails, Fastify logs the error with `res` as well, but without a duration, beside
 * the line of the answered request. Restify has a `latency` instead of a `responseTime`.
 */
import type { LogFormat } from '../format.ts';
import type { PartNames } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import { jsonParser } from './json-log.ts';

const named: PartNames = {
  method: ['req/method'],
  target: ['req/url'],
  status: ['res/statusCode'],
  host: ['req/headers/host', 'req/host', 'req/hostname'],
  client: ['req/remoteAddress'],
  agent: ['req/headers/user-agent'],
};
const keys = ['time', 'res/statusCode', 'responseTime', 'latency', 'err'];
const [time, statusCode, responseTime, latency, error] = [0, 1, 2, 3, 4] as const;

export const pino: LogFormat = {
  name: 'pino',
  title: 'pino-http, Fastify or bunyan, JSON',
  example:
    '{"level":30,"time":1464433871123,"pid":7,"hostname":"web1","req":{"id":1,"method":"GET","url":"/"},"res":{"statusCode":200},"responseTime":4,"msg":"request completed"}',
  resolution: '1 ms',
  moment: 'end',
  parser: (options) =>
    jsonParser(keys, options, named, (line, stamp) => {
      const isError = line.has(error) && !line.has(responseTime) && !line.has(latency);
      if (!line.isStatus(statusCode) || isError) return 'no request of this format';
      if (!line.readTime(time, stamp)) return 'no time that can be read';
      line.readDuration(responseTime, stamp, unitDigits.ms);
      return undefined;
    }),
};
