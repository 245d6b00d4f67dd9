/**
 * Sends the server's metrics to an OpenTelemetry collector, with `--otlp-url`. The only file that
 * loads OpenTelemetry, an optional dependency; nothing is sent without that setting.
 */
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { type Log, type Metrics, messageOf, Reto3Error, version } from '@reto3/core';
import { otlpMetric } from './otlp-data.ts';

interface OtlpOptions {
  readonly url: string;
  readonly everyMs: number;
  readonly node: string;
  readonly metrics: Pick<Metrics, 'collect'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** The timeout of one attempt to send; an unreachable collector must not delay a stop. */
const timeoutMs = 5_000;

export class OtlpSender {
  readonly #send: () => Promise<void>;
  readonly #log: OtlpOptions['log'];
  readonly #timer: NodeJS.Timeout;
  #sending: Promise<void> | undefined;
  #failing = false;

  private constructor({ log, everyMs }: OtlpOptions, send: () => Promise<void>) {
    this.#send = send;
    this.#log = log;
    this.#timer = setInterval(() => void this.#turn(), everyMs).unref();
  }

  /** Starts to send. @throws Reto3Error RETO3_OTLP_MISSING */
  static async start(options: OtlpOptions): Promise<OtlpSender> {
    const { url, node, metrics, log } = options;
    const [kinds, { resourceFromAttributes }, { OTLPMetricExporter }] = await load();
    const exporter = new OTLPMetricExporter({ url, timeoutMillis: timeoutMs });
    const resource = resourceFromAttributes({
      'service.name': 'reto3',
      'service.version': version,
      'service.instance.id': node,
    });
    const startMs = performance.timeOrigin;
    const send = async (): Promise<void> => {
      const span = { startMs, endMs: Date.now() };
      const collected = await metrics.collect();
      const data = collected.map((metric) => otlpMetric(metric, span, kinds));
      const all: ResourceMetrics = {
        resource,
        scopeMetrics: [{ scope: { name: 'reto3', version }, metrics: data }],
      };
      await new Promise<void>((resolve, reject) => {
        exporter.export(all, ({ error, code }) => {
          if (code === 0) resolve();
          else reject(error ?? new Error('the collector refused them'));
        });
      });
    };
    log.info(`sending metrics to ${new URL(url).origin}`);
    return new OtlpSender(options, send);
  }

  /** Sends a last time, with the final counts. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    await this.#turn();
  }

  /** Sends one export at a time. Logs a failure once until sending succeeds again. */
  async #turn(): Promise<void> {
    if (this.#sending !== undefined) return;
    this.#sending = this.#send().then(
      () => {
        if (this.#failing) this.#log.info('the collector takes metrics again');
        this.#failing = false;
      },
      (error: unknown) => {
        if (!this.#failing) this.#log.warn(`cannot send metrics: ${messageOf(error)}; retrying`);
        this.#failing = true;
      },
    );
    await this.#sending;
    this.#sending = undefined;
  }
}

async function load() {
  try {
    return await Promise.all([
      import('@opentelemetry/sdk-metrics'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-metrics-otlp-http'),
    ]);
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n', 1);
    throw new Reto3Error('RETO3_OTLP_MISSING', `cannot load OpenTelemetry: ${reason}`, { cause });
  }
}
