/** Reads an NDJSON answer row by row, up to a verified end. */
import { type ApiOptions, request } from './api-client.ts';
import type { Query } from './api-url.ts';
import { AnswerBody, endHeaders, type Missing } from './end-of-answer.ts';

/**
 * Yields the rows of an answer as the server writes them.
 * @param onEnd receives, after the last row, the damaged windows that the answer omits
 * @throws Reto3Error RETO3_ANSWER_CUT, and what `request` throws
 */
export async function* readRows(
  api: ApiOptions,
  path: string,
  query: Query,
  onEnd: (missing: Missing) => void,
): AsyncGenerator<Readonly<Record<string, number | string | null>>> {
  const response = await request(api, path, { ...query, format: 'ndjson' }, endHeaders);
  const body = new AnswerBody(response, api);
  let rest = '';
  try {
    for await (const piece of body.setEncoding('utf8')) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  } catch (error) {
    throw body.cut(error);
  }
  onEnd(body.missing);
}
