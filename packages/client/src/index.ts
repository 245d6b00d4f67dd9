/** The client of the query API: requests, answers with a verified end, and live events. */
export { type ApiOptions, answerCut, ask, request, textOf } from './api-client.ts';
export { Connection } from './connection.ts';
export { AnswerBody, endHeaders, type Missing } from './end-of-answer.ts';
export { follow, readEvents } from './events.ts';
export { readRows } from './rows.ts';
