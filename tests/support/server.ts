/**
 * A real server process: `reto3 serve` on free ports. Its addresses come from the line that it logs
 * when it accepts requests.
 */
import { startCli } from './cli.ts';
import { loopback, type Place } from './place.ts';
import type { Exit, RunningProcess } from './processes.ts';
import { waitUntil, within } from './wait.ts';

export interface ServerOptions {
  readonly dataDir: string;
  /** 0 by default: a free port. */
  readonly port?: number;
  readonly adminPort?: number;
  /** Flags to add to the command line. */
  readonly flags?: readonly string[];
  /** Variables to add to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Loopback by default. */
  readonly place?: Place;
  /** The command line of another build than the clone's. */
  readonly file?: string;
}

/**
 * Flags for a server on counts from 2016. Retention would delete their 10 ms windows and seconds five
 * seconds after the start, which a busy machine reaches before a test has read them.
 */
export const keepForever = ['--retain-ms10', 'forever', '--retain-sec', 'forever'] as const;

/** `docker stop` kills a server that takes longer. */
const stopWithinMs = 10_000;

export class Server {
  readonly port: number;
  readonly adminPort: number;
  /** The query API's address. */
  readonly adminUrl: string;
  readonly #process: RunningProcess;

  readonly host: string;

  private constructor(running: RunningProcess, ports: Ports, host: string) {
    this.host = host;
    this.#process = running;
    this.port = ports.ingest;
    this.adminPort = ports.admin;
    this.adminUrl = `http://${host}:${ports.admin}`;
  }

  /**
   * Resolves when the server accepts requests.
   * @throws Error with its stderr if it cannot start
   */
  static async start(options: ServerOptions): Promise<Server> {
    const { env = {}, place = loopback } = options;
    const running = startCli(serveArgs(options), {
      env,
      wrapper: place.wrapper,
      ...(options.file && { file: options.file }),
    });
    await waitUntil('the server says where it listens', () => {
      if (!running.running) throw new Error(`cannot start the server: ${running.stderr}`);
      return portsIn(running.stderr) !== undefined;
    });
    const ports = portsIn(running.stderr);
    if (ports === undefined) throw new Error('BUG: a log line vanished');
    return new Server(running, ports, place.host);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get stdout(): string {
    return this.#process.stdout;
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  get exited(): Promise<Exit> {
    return this.#process.exited;
  }

  /** Sends a signal and waits for the exit, as long as `docker stop` does. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' = 'SIGTERM'): Promise<Exit> {
    this.#process.signal(signal);
    return within('the server to have stopped', stopWithinMs, this.#process.exited);
  }

  /** Sends a signal without waiting. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#process.signal(name);
  }

  /** Kills the server, like a crash. */
  async kill(): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.#process.exited;
  }

  /** The number of messages in the server's last log line. */
  get loggedMessages(): number {
    const match = /"messages":(\d+),"msg":"reto3 stopped, everything is written"/.exec(this.stderr);
    if (match?.[1] === undefined) throw new Error(`got no last words in ${this.stderr}`);
    return Number(match[1]);
  }
}

/** A server's arguments, by default on loopback. */
export function serveArgs(options: ServerOptions): string[] {
  const { dataDir, port = 0, adminPort = 0, flags = [], place = loopback } = options;
  return [
    'serve',
    ...['--host', place.host, '--port', String(port), '--admin-port', String(adminPort)],
    ...(place === loopback ? [] : ['--admin-host', place.host, '--admin-open']),
    ...['--data-dir', dataDir],
    ...flags,
  ];
}

interface Ports {
  readonly ingest: number;
  readonly admin: number;
}

function portsIn(log: string): Ports | undefined {
  const ingest = /takes requests on https?:\/\/\S+?:(\d+),/.exec(log);
  const admin = /, query API on https?:\/\/\S+?:(\d+)"/.exec(log);
  // A pure merger has no ingest port.
  return admin === null ? undefined : { ingest: Number(ingest?.[1] ?? 0), admin: Number(admin[1]) };
}
