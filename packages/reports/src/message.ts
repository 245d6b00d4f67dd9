/** Sample messages for tests, `runReport` and `checkLaws`. */
import type { Message } from './contract.ts';

/** The default arrival, epoch ms. */
export const sampleTime = Date.UTC(2016, 4, 28, 11, 11, 11);

const nothing: Message = {
  arrivedMs: sampleTime,
  worker: 0,
  method: 'GET',
  path: '/',
  query: '',
  body: new Uint8Array(),
  bodyBytes: 0,
  host: '',
  client: '',
  headers: {},
  status: 200,
  durationMs: undefined,
  source: undefined,
};

/**
 * A message with the given fields. By default it is `GET /`, answered 200, with an empty body, and
 * arrived on 28 May 2016 at 11:11:11 UTC. `bodyBytes` is the length of the body.
 */
export function newMessage(fields: Partial<Message> = {}): Message {
  return { ...nothing, bodyBytes: fields.body?.length ?? 0, ...fields };
}
