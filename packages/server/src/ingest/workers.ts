/** Starts and stops the ingest workers from the main thread. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { type Ack, type HttpEngineName, messageOf, Reto3Error, threadExit } from '@reto3/core';
import type { ReportSource } from '@reto3/reports/load';
import type { Batch, KeptMs } from '@reto3/reports/worker';
import { hostAndPort } from '../address-text.ts';
import type { TlsFiles } from '../config/tls.ts';
import type { DelayHistogram } from '../metrics/event-loop-delay.ts';
import { connectionsPerWorker, descriptorLimit } from './connections.ts';
import type { ArchiveTarget, FromWorker, Listening, ToWorker, WorkerStart } from './messages.ts';
import type { PortClaim } from './port.ts';

/**
 * The young generation of a worker with Node's server, MB. The server starts with 1 MB, and Node's
 * own HTTP server allocates 6 KB per request: garbage collection would take 4.3 % of its time.
 */
const nodeSemiSpaceMb = 4;

export interface IngestOptions {
  readonly memory: SharedArrayBuffer;
  readonly workerCount: number;
  readonly http: HttpEngineName;
  /** The address to listen on; released once the workers listen, or have failed to. */
  readonly claim: PortClaim;
  readonly ack: Ack;
  readonly tls: TlsFiles | undefined;
  readonly maxBodyBytes: number;
  /** Where to hand over messages for the archive; undefined without an archive. */
  readonly archive: ArchiveTarget | undefined;
  /** The reports to run; their batches go to `onBatch`. */
  readonly reports: readonly ReportSource[];
  /** How long windows are kept. */
  readonly keptMs: KeptMs;
  /** Addresses and networks whose X-Forwarded-For counts; undefined to trust nobody. */
  readonly trustedProxies: readonly string[] | undefined;
  /**
   * Called when a worker hands over the accumulators of its reports, with the number of the
   * request.
   */
  readonly onBatch: (worker: number, number: number, batch: Batch) => void;
  /** Called once by each worker if a promise or timer fails and the error does not say whose. */
  readonly onStrayFailure: (text: string, stack: string) => void;
  /** Called when a worker exits unexpectedly; the process cannot continue. */
  readonly onCrash: (error: Error) => void;
}

export class IngestWorkers {
  readonly port: number;
  /** The version of the HTTP engine. */
  readonly version: string;
  readonly #workers: readonly RunningWorker[];
  /** One number per worker; undefined if the engine does not report connections. */
  readonly #silentConnections: Int32Array | undefined;

  private constructor(
    workers: readonly RunningWorker[],
    port: number,
    version: string,
    silentConnections: Int32Array | undefined,
  ) {
    this.#workers = workers;
    this.port = port;
    this.version = version;
    this.#silentConnections = silentConnections;
  }

  /**
   * Resolves when all workers accept requests.
   * @throws Reto3Error RETO3_CANNOT_LISTEN, RETO3_UWS_MISSING, RETO3_BAD_REPORT
   */
  static async start(options: IngestOptions): Promise<IngestWorkers> {
    const { memory, claim, http, ack, tls, maxBodyBytes, workerCount } = options;
    const { reports, keptMs, archive, trustedProxies } = options;
    const maxConnections = connectionsPerWorker(descriptorLimit(), workerCount);
    const { address: host, port } = claim;
    // Applies to threads that start after it; `resourceLimits` cannot raise what a flag has
    // limited.
    if (http === 'node') setFlagsFromString(`--max-semi-space-size=${nodeSemiSpaceMb}`);
    const workers: RunningWorker[] = [];
    const silentConnections = new SharedArrayBuffer(workerCount * Int32Array.BYTES_PER_ELEMENT);
    let version = '';
    let reportsConnections = false;
    try {
      for (let worker = 0; worker < workerCount; worker++) {
        const limits = { maxBodyBytes, maxConnections, silentConnections };
        const place = { http, host, port, sharesPort: workerCount > 1 };
        const beside = { reports, keptMs, archive, trustedProxies };
        const start = { memory, worker, ...place, ack, tls, ...beside, ...limits };
        const running = new RunningWorker(start, options);
        workers.push(running);
        ({ version, reportsConnections } = await running.listening);
      }
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.stop()));
      throw error;
    } finally {
      claim.release();
    }
    const silent = reportsConnections ? new Int32Array(silentConnections) : undefined;
    return new IngestWorkers(workers, port, version, silent);
  }

  /** The workers of a server that takes no requests. */
  static none(): IngestWorkers {
    return new IngestWorkers([], 0, 'not loaded', new Int32Array(0));
  }

  /** Answers every message that waits for that flush or an earlier one. */
  flushed(flush: number): void {
    for (const worker of this.#workers) worker.tell({ flushed: flush });
  }

  /** In durable mode, workers answer 503 while the store fails. */
  storeFailing(failing: boolean): void {
    for (const worker of this.#workers) worker.tell({ storeFailing: failing });
  }

  /**
   * Serves the renewed certificate to new connections.
   * @throws Error if a worker cannot; it keeps the old one
   */
  async renewTls(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.renewTls()));
  }

  /** The event loop delay of each worker; undefined until it has started to measure. */
  delays(): readonly (DelayHistogram | undefined)[] {
    return this.#workers.map((worker) => worker.delays());
  }

  /** The load of the busiest worker since the last call: the active share of its time, 0 to 1. */
  load(): number {
    return Math.max(0, ...this.#workers.map((worker) => worker.load()));
  }

  /** Connections that ended without a message; undefined if the engine does not report them. */
  silentConnections(): number | undefined {
    // The number of each worker wraps at 32 bits.
    return this.#silentConnections?.reduce((sum, value) => sum + (value >>> 0), 0);
  }

  get workerCount(): number {
    return this.#workers.length;
  }

  /** Makes every worker hand over the accumulators of its reports, in batches with that number. */
  askForReports(number: number): void {
    for (const worker of this.#workers) worker.tell({ collect: number });
  }

  /** Stops running the report with that name. */
  switchOff(report: string): void {
    for (const worker of this.#workers) worker.tell({ switchOff: report });
  }

  /** Stops accepting connections; requests on open ones are still counted. */
  stopListening(): void {
    for (const worker of this.#workers) worker.tell({ stop: 'listening' });
  }

  /** Stops listening, closes every connection, and resolves when all threads have exited. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }
}

class RunningWorker {
  readonly listening: Promise<Extract<Listening, { readonly listening: true }>>;
  readonly #thread: Worker;
  readonly #exited: Promise<void>;
  #stopping = false;
  #delays: DelayHistogram | undefined;
  #delaysAsked = false;
  #renewed: ((failure: string | undefined) => void) | undefined;
  #utilizedBefore: EventLoopUtilization | undefined;

  constructor(start: WorkerStart, { onCrash, onBatch, onStrayFailure }: IngestOptions) {
    this.#thread = new Worker(new URL(import.meta.resolve('@reto3/server/worker')), {
      workerData: start,
      name: `reto3 ingest ${start.worker}`,
    });
    this.#exited = threadExit(this.#thread);
    this.listening = new Promise((resolve, reject) => {
      this.#thread.on('message', (message: FromWorker) => {
        if (!('listening' in message)) return;
        if (message.listening) return resolve(message);
        this.#stopping = true;
        reject(
          new Reto3Error(
            message.code,
            message.code === 'RETO3_CANNOT_LISTEN'
              ? `cannot listen on ${hostAndPort(start.host, start.port)}: ${message.reason}`
              : message.reason,
          ),
        );
      });
      this.#thread.once('error', reject);
    });
    this.#thread.on('message', (message: FromWorker) => {
      if ('collected' in message) onBatch(start.worker, message.collected, message.batch);
      else if ('delays' in message) this.#delays = message.delays;
      else if ('renewed' in message) this.#renewed?.(message.renewed);
      else if ('strayFailure' in message) onStrayFailure(message.strayFailure, message.stack);
    });
    const crashed = (reason: string): void => {
      if (!this.#stopping) onCrash(new Error(`ingest worker ${start.worker} ${reason}`));
    };
    this.#thread.on('error', (error) => crashed(`failed: ${messageOf(error)}`));
    this.#thread.on('exit', (code) => crashed(`left with code ${code}`));
  }

  /** Starts the measurement with the first call. */
  delays(): DelayHistogram | undefined {
    if (!this.#delaysAsked) {
      this.#delaysAsked = true;
      this.tell({ watchDelay: true });
    }
    return this.#delays;
  }

  load(): number {
    const { performance } = this.#thread;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilizedBefore);
    this.#utilizedBefore = now;
    return utilization;
  }

  renewTls(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#renewed = (failure) => (failure === undefined ? resolve() : reject(new Error(failure)));
      this.tell({ renewTls: true });
    });
  }

  tell(message: ToWorker): void {
    this.#thread.postMessage(message);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.tell({ stop: 'all' });
    await this.#exited;
  }
}
