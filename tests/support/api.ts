/**
 * Queries the API as a script with an HTTP client would, and validates each answer against its
 * schema.
 */
import { type Answers, answerSchemas, type Info, type Stats } from '@reto3/client/answers';
import { Ajv, type ValidateFunction } from 'ajv';

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const validators = new Map<object, ValidateFunction>();

/** @throws Error if the JSON does not match the schema, or has a field that the schema lacks */
export function assertFits(schema: object, json: unknown, what: string): void {
  const fits = validators.get(schema) ?? ajv.compile(closed(schema));
  validators.set(schema, fits);
  if (!fits(json)) throw new Error(`got from ${what}: ${ajv.errorsText(fits.errors)}`);
}

/** Clients should ignore unknown fields; these tests must not. */
function closed(schema: object): object {
  const parts = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === 'items') return [keyword, closed(value)];
    if (keyword !== 'properties') return [keyword, value];
    const fields = Object.entries<object>(value).map(([name, field]) => [name, closed(field)]);
    return [keyword, Object.fromEntries(fields)];
  });
  return {
    ...('properties' in schema && { additionalProperties: false }),
    ...Object.fromEntries(parts),
  };
}

/** The body of an answer. @throws Error if the status is not 200 */
export async function askText(adminUrl: string, path: string): Promise<string> {
  const response = await fetch(adminUrl + path);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`got ${response.status} from ${path}: ${text}`);
  return text;
}

/**
 * The JSON answer to a GET.
 * @throws Error if the status is not 200, or the answer does not match its schema
 */
export async function ask<Path extends keyof Answers>(
  adminUrl: string,
  path: Path,
  query = '',
): Promise<Answers[Path]> {
  const answer = JSON.parse(await askText(adminUrl, `${path}?${query}`));
  assertFits(schemaOf(path), answer, path);
  return answer;
}

function schemaOf(path: string): object {
  const found = Object.entries(answerSchemas).find(([template]) =>
    new RegExp(`^${template.replace(/\{\w+\}/, '[^/]+')}$`).test(path),
  );
  if (found === undefined) throw new Error(`BUG: no schema of ${path}`);
  return found[1];
}

export function askInfo(adminUrl: string): Promise<Info> {
  return ask(adminUrl, '/v1/info');
}

/** The windows of a period; `query` is such as `from=1&open=true`. */
export function askStats(adminUrl: string, period: string, query = ''): Promise<Stats> {
  return ask(adminUrl, `/v1/stats/${period}`, query);
}
