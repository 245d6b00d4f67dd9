/**
 * Connections that end without a message: mostly clients that speak HTTP/1.0, which are never
 * answered 200 and would otherwise leave no trace.
 *
 * The newer build tells of every connection (connections.ts). The older one tells of none, so the
 * kernel's table of connections is read once a second, and only while no message comes: one that
 * appeared and vanished in such a time brought no message. Its clients of HTTP/1.0 stay for 10 s or
 * more unless they give up, so all are seen on a server that nobody else talks to, and hardly any on
 * a busy one. Counts of the older build are therefore lower bounds.
 */
import { readFile } from 'node:fs/promises';
import { counter, type HttpEngineName, type Log, type MetricSource } from '@reto3/core';

const lookEveryMs = 1_000;
/** As Linux writes the states ESTABLISHED and CLOSE_WAIT. */
const openStates: readonly string[] = ['01', '08'];

/** What such a connection mostly is. */
const reasons: Readonly<Record<HttpEngineName, string>> = {
  uws:
    'clients of HTTP/1.0 are not served without --http node ' +
    '(nginx before 1.29.7: set proxy_http_version 1.1 beside mirror or proxy_pass; ab has no HTTP/1.1), ' +
    'and checks of the port send nothing',
  node: 'checks of the port send nothing, and what is malformed is refused',
};

interface SilentConnectionsParts {
  /** What the workers know; undefined where their build does not tell. */
  readonly told: () => number | undefined;
  /** Messages since the start, up to now. */
  readonly messages: () => number;
  /** Names of the connections that are open now. */
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
  /** Open when last looked at; undefined: messages have come since, and may have come from any. */
  #before: ReadonlySet<string> | undefined = new Set();
  /** Appeared while no message came. */
  #silent = new Set<string>();

  constructor(parts: SilentConnectionsParts) {
    this.#parts = parts;
  }

  /** Looks once a second from now on. */
  begin(): void {
    const look = (): void => {
      // A look may have been under way when it was stopped.
      if (this.#stopped) return;
      this.#timer = setTimeout(() => void this.look().then(look), lookEveryMs).unref();
    };
    look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** How many have ended so far; with the older build, so many at least. */
  get count(): number {
    return this.#parts.told() ?? this.#found;
  }

  readonly metrics: MetricSource = () => [
    counter(
      'reto3_connections_without_message_total',
      'Ingest connections that ended without a message; a lower bound with the older build of uWebSockets.js.',
      this.count,
    ),
  ];

  async look(): Promise<void> {
    if (this.#parts.told() === undefined) await this.#lookAtTable();
    if (this.#warned || this.count === 0) return;
    this.#warned = true;
    this.#parts.log.warn(
      { connections: this.count },
      `a connection ended without a message: ${reasons[this.#parts.http]}; ` +
        'counted in reto3_connections_without_message_total',
    );
  }

  async #lookAtTable(): Promise<void> {
    if (this.#cameMessages()) return;
    const open = await this.#parts.open();
    if (this.#cameMessages()) return;
    const before = this.#before;
    this.#before = open;
    for (const name of this.#silent) if (!open.has(name)) this.#found++;
    this.#silent = new Set(
      [...open].filter((name) => this.#silent.has(name) || before?.has(name) === false),
    );
  }

  #cameMessages(): boolean {
    const messages = this.#parts.messages();
    if (messages === this.#messages) return false;
    this.#messages = messages;
    this.#before = undefined;
    this.#silent.clear();
    return true;
  }
}

/** Connections to a local port, by the address of their client; none where the system does not say. */
export async function openConnections(port: number): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => '')),
  );
  return new Set(tables.flatMap((table) => connectionsIn(table, port)));
}

/** Lines such as `0: 0100007F:1F90 0100007F:C350 01 …`: local address, client, state. */
export function connectionsIn(table: string, port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((line) => {
    const [, address = '', client = '', state = ''] = line.trim().split(/\s+/);
    return address.endsWith(local) && openStates.includes(state) ? [client] : [];
  });
}
