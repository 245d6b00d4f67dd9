/**
 * Detects connections that end without a message: mostly clients that speak HTTP/1.0, which never
 * get a 200 and would otherwise leave no trace.
 *
 * The newer build of uWebSockets.js reports every connection (connections.ts). The older one
 * reports none, so the kernel's table of connections is read once a second, but only while no
 * message arrives: a connection that appeared and vanished in such a time brought no message.
 * Clients of HTTP/1.0 stay for 10 s or more unless they give up. On an otherwise idle server all of
 * them are found, on a busy one hardly any, so counts of the older build are lower bounds.
 */
import { readFile } from 'node:fs/promises';
import { counter, type HttpEngineName, type Log, type MetricSource } from '@reto3/core';

const checkEveryMs = 1_000;
/** Linux's codes for the states ESTABLISHED and CLOSE_WAIT. */
const openStates: readonly string[] = ['01', '08'];

/** The usual cause of such a connection. */
const reasons: Readonly<Record<HttpEngineName, string>> = {
  uws:
    'clients of HTTP/1.0 are not served without --http node ' +
    '(nginx before 1.29.7: set proxy_http_version 1.1 beside mirror or proxy_pass; ab has no HTTP/1.1), ' +
    'and checks of the port send nothing',
  node: 'checks of the port send nothing, and what is malformed is refused',
};

interface SilentConnectionsParts {
  /** The number that the workers report; undefined if their build does not report connections. */
  readonly reported: () => number | undefined;
  /** The number of messages since the start. */
  readonly messages: () => number;
  /** The clients of all open connections. */
  readonly open: () => Promise<ReadonlySet<string>>;
  readonly http: HttpEngineName;
  readonly log: Pick<Log, 'warn'>;
}

export class SilentConnections {
  readonly #parts: SilentConnectionsParts;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #warned = false;
  #found = 0;
  #messages = 0;
  /**
   * Open at the last check; undefined if messages have arrived since, which may have come from any
   * of them.
   */
  #before: ReadonlySet<string> | undefined = new Set();
  /** Connections that appeared while no message arrived. */
  #silent = new Set<string>();

  constructor(parts: SilentConnectionsParts) {
    this.#parts = parts;
  }

  /** Starts to check once a second. */
  begin(): void {
    const check = (): void => {
      // The stop may have come during a check.
      if (this.#stopped) return;
      this.#timer = setTimeout(() => void this.check().then(check), checkEveryMs).unref();
    };
    check();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** How many have ended so far; with the older build, a lower bound. */
  get count(): number {
    return this.#parts.reported() ?? this.#found;
  }

  readonly metrics: MetricSource = () => [
    counter(
      'reto3_connections_without_message_total',
      'Ingest connections that ended without a message; a lower bound with the older build of uWebSockets.js.',
      this.count,
    ),
  ];

  async check(): Promise<void> {
    if (this.#parts.reported() === undefined) await this.#readTable();
    if (this.#warned || this.count === 0) return;
    this.#warned = true;
    this.#parts.log.warn(
      { connections: this.count },
      `a connection ended without a message: ${reasons[this.#parts.http]}; ` +
        'counted in reto3_connections_without_message_total',
    );
  }

  async #readTable(): Promise<void> {
    if (this.#haveMessagesArrived()) return;
    const open = await this.#parts.open();
    if (this.#haveMessagesArrived()) return;
    const before = this.#before;
    this.#before = open;
    for (const name of this.#silent) if (!open.has(name)) this.#found++;
    this.#silent = new Set(
      [...open].filter((name) => this.#silent.has(name) || before?.has(name) === false),
    );
  }

  #haveMessagesArrived(): boolean {
    const messages = this.#parts.messages();
    if (messages === this.#messages) return false;
    this.#messages = messages;
    this.#before = undefined;
    this.#silent.clear();
    return true;
  }
}

/** The client addresses of connections to a local port; empty if the system does not list them. */
export async function openConnections(port: number): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => '')),
  );
  return new Set(tables.flatMap((table) => connectionsIn(table, port)));
}

/** Parses lines such as `0: 0100007F:1F90 0100007F:C350 01 …`: local address, client, state. */
export function connectionsIn(table: string, port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((line) => {
    // Most lines of a busy machine are of other ports.
    if (!line.includes(local)) return [];
    const [, address = '', client = '', state = ''] = line.trim().split(/\s+/);
    return address.endsWith(local) && openStates.includes(state) ? [client] : [];
  });
}
