/**
 * What the line of a log says of its request: method, path, status, host and client. Not for
 * counting, which never makes a string of a line, but for asking who was behind a burst.
 *
 * Formats agree more on these than on their times, so the shape of a line decides, not its format:
 *
 *     {"method":"GET","uri":"/a",…}                     JSON, by the names that programs use
 *     … "GET /a HTTP/1.1" 200 …                         a request in quotes, as servers write it
 *     #Fields: date time cs-method cs-uri-stem …        columns that a header names, before the line
 *     … TCP_MISS/200 411 GET http://example.com/a …     Squid
 *     1398962662.3;<0.94.0>;1;get;example.com;/;200;…   Tsung
 *     1464433871123456789,200,…,GET,http://…            vegeta's CSV
 *     <httpSample … lb="home" … rc="200"/>              JMeter's XML
 */

export interface RequestFields {
  readonly method?: string | undefined;
  /** Without the query. */
  readonly path?: string | undefined;
  readonly status?: string | undefined;
  readonly host?: string | undefined;
  /** An address without its port. */
  readonly client?: string | undefined;
}

type Field = keyof RequestFields;

/** What programs call them, in JSON (with a dot for an object inside) and in headers of columns. */
const namesOf: Readonly<Record<Field, readonly string[]>> = {
  method: [
    ...['method', 'request_method', 'RequestMethod', 'ClientRequestMethod', 'request.method'],
    ...['data.tags.method', 'cs-method', 'request_type'],
  ],
  path: [
    ...['path', 'uri', 'request_uri', 'RequestPath', 'ClientRequestURI', 'ClientRequestPath'],
    ...['request.uri', 'url', 'data.tags.url', 'cs-uri-stem', 'URL', 'label', 'name'],
  ],
  status: [
    ...['status', 'response_code', 'DownstreamStatus', 'EdgeResponseStatus', 'status_code'],
    ...['code', 'data.tags.status', 'sc-status', 'responseCode', 'status-code'],
  ],
  host: [
    ...['host', 'request.host', ':authority', 'RequestHost', 'ClientRequestHost'],
    ...['x-host-header', 'cs-host', 'cs(Host)'],
  ],
  client: [
    ...['client', 'remote_addr', 'ClientHost', 'ClientAddr', 'ClientIP', 'request.client_ip'],
    ...['request.remote_ip', 'id.orig_h', 'c-ip'],
  ],
};
const fields = ['method', 'path', 'status', 'host', 'client'] as const;

const quoted = /"([A-Z-]+) (\S+)(?: HTTP\/[\d.]+)?"(?: (\d{3})\b)?/;
const addressAtStart = /^(?:.*\]: )?(\[?[\da-f.:]*[.:][\da-f.:]+\]?)(?= )/i;
/** Behind a time and, perhaps, the names of a load balancer. */
const addressBehindTime = /^(?:\S+ )?\S+Z \S+ ([\d.a-f:]+:\d+) /;
const squid = /^\S+ +\d+ (\S+) [A-Z_]+\/(\d{3}) \d+ ([A-Z]+) (\S+)/;

export class RequestFieldsReader {
  /** Of the newest header: which column each field is in. */
  #columns:
    | { readonly delimiter: string | RegExp; readonly at: ReadonlyMap<Field, number> }
    | undefined;

  /** Takes a line that is no request: it may name the columns of those behind it. */
  takeHeader(line: string): void {
    const isNamed = /^#fields:?\s/i.test(line);
    const names = isNamed ? line.replace(/^#fields:?\s+/i, '') : line;
    const delimiter = isNamed ? (line.includes('\t') ? '\t' : / +/) : /[,;\t]/;
    const columns = names.split(delimiter).map((name) => name.trim());
    const at = new Map(
      fields.flatMap((field): [Field, number][] => {
        const column = columns.findIndex((name) => namesOf[field].includes(name));
        return column === -1 ? [] : [[field, column]];
      }),
    );
    if (at.size > 0) this.#columns = { delimiter, at };
  }

  read(line: string): RequestFields {
    return tidy(line.trimStart().startsWith('{') ? ofJson(line) : this.#ofText(line));
  }

  #ofText(line: string): RequestFields {
    if (this.#columns !== undefined) {
      const { delimiter, at } = this.#columns;
      const cells = line.split(delimiter);
      return Object.fromEntries([...at].map(([field, column]) => [field, cells[column]]));
    }
    const request = quoted.exec(line);
    if (request !== null) {
      const [, method, path, status] = request;
      const client = (addressBehindTime.exec(line) ?? addressAtStart.exec(line))?.[1];
      // haproxy and load balancers have it in front of the request.
      const other = / (\d{3}) (?:\d{3} )?\d+ /.exec(line.slice(0, request.index))?.[1];
      return { method, path, status: status ?? other, client };
    }
    const [, client, status, method, path] = squid.exec(line) ?? [];
    if (path !== undefined) return { client, status, method, path };
    const jmeter = / lb="([^"]*)"/.exec(line);
    if (jmeter !== null) return { path: jmeter[1], status: / rc="(\d+)"/.exec(line)?.[1] };
    const tsung = line.split(';');
    if (tsung.length > 8) {
      const [, , , verb, host, target, code] = tsung;
      return { method: verb?.toUpperCase(), host, path: target, status: code };
    }
    const vegeta = line.split(',');
    if (vegeta.length > 10) return { status: vegeta[1], method: vegeta[9], path: vegeta[10] };
    return {};
  }
}

function ofJson(line: string): RequestFields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return {};
  }
  const found = Object.fromEntries(
    fields.map((field) => [
      field,
      namesOf[field].map((name) => valueNamed(parsed, name)).find((value) => value !== undefined),
    ]),
  );
  const request = valueNamed(parsed, 'request');
  const [method, path] = request?.split(' ') ?? [];
  return { ...(path !== undefined && { method, path }), ...defined(found) };
}

function defined(values: Readonly<Record<string, string | undefined>>): RequestFields {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A text or a number of that name; undefined if there is none. */
function valueNamed(from: unknown, name: string): string | undefined {
  let value = from;
  // Zeek has names with a dot in them.
  const whole = isRecord(from) && name in from;
  for (const part of whole ? [name] : name.split('.'))
    value = isRecord(value) ? value[part] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The same without a query, a scheme, a port, quotes and dashes that stand for nothing. */
function tidy({ method, path, status, host, client }: RequestFields): RequestFields {
  const url = /^[a-z]+:\/\/([^/?]*)(.*)$/i.exec(path ?? '');
  const target = url === null ? path : url[2] || '/';
  return {
    method: text(method),
    path: text(target)?.replace(/[?#].*$/, ''),
    status: text(status),
    host: (text(host) ?? url?.[1])?.toLowerCase(),
    client: text(client)?.replace(/^\[?([^\]]*?)\]?(?:(?<=\]):\d+|(?<=^[\d.]+):\d+)?$/, '$1'),
  };
}

function text(value: string | undefined): string | undefined {
  const bare = value?.trim().replace(/^"(.*)"$/, '$1');
  return bare === '' || bare === '-' ? undefined : bare;
}
