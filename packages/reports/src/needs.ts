/** The parts of a message that reports read. A worker reads only those that some report needs. */

const plainNeeds = ['head', 'body', 'host', 'client', 'headers', 'status', 'duration'] as const;

/**
 * A part of a message. `head` is method, path and query, which every report gets; `headers` is all
 * headers; `header:x-tenant` is one, by its lower-case name.
 */
export type Need = (typeof plainNeeds)[number] | `header:${string}`;

export const wantedNeeds =
  'some of "head", "body", "host", "client", "status", "duration", "header:NAME" in lower case, "headers"';

/** A token of RFC 9110, section 5.6.2, in lower case. */
const headerNeed = /^header:[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/;

export function isNeeds(given: unknown): given is Need | readonly Need[] {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  return all.length > 0 && all.every(isNeed);
}

function isNeed(given: unknown): given is Need {
  return plainNeeds.some((need) => need === given) || headerNeed.test(String(given));
}

/** The needs of several reports together. */
export class Needs {
  readonly body: boolean;
  readonly host: boolean;
  readonly client: boolean;
  /** Header names in lower case; undefined for all headers. */
  readonly headers: readonly string[] | undefined;

  constructor(needs: Iterable<Need>) {
    const all = new Set(needs);
    this.body = all.has('body');
    this.host = all.has('host');
    this.client = all.has('client');
    const named = [...all].flatMap((need) => /^header:(.*)$/.exec(need)?.[1] ?? []);
    this.headers = all.has('headers') ? undefined : named;
  }

  static of(reports: readonly { readonly needs: Need | readonly Need[] }[]): Needs {
    return new Needs(reports.flatMap(({ needs }) => needs));
  }
}
