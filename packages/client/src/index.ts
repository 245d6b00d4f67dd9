/** The query API from outside: questions, answers read to their proven end, and live events. */
export { type ApiOptions, answerCut, ask, request, textOf } from './api-client.ts';
export { AnswerBody, endHeaders, type Missing } from './end-of-answer.ts';
export { follow, passing, readEvents, retryMs } from './events.ts';
