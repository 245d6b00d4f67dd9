/** Messages for tests and for `runReport`. */
import type { Message } from './contract.ts';

/** Any moment will do. */
const someTime = Date.UTC(2016, 4, 28, 11, 11, 11);

const nothing: Message = {
  arrivedMs: someTime,
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

/** A message with these fields; the others are those of `GET /` on 28 May 2016, 11:11:11 UTC. */
export function newMessage(fields: Partial<Message> = {}): Message {
  return { ...nothing, bodyBytes: fields.body?.length ?? 0, ...fields };
}
