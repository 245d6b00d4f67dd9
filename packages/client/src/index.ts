/** The client of the query API: requests, answers with a verified end, and live events. */
export { type ApiOptions, answerCut, ask, request, textOf } from './api-client.ts';
export { AnswerBody, endHeaders, type Missing } from './end-of-answer.ts';
export { backoffMs, follow, readEvents, transientErrors } from './events.ts';
export { readRows } from './rows.ts';
