/** Settings of metrics that the server sends. /metrics needs no setting. */
import type { SettingTable } from '../setting.ts';
import { webhook, wholeNumber } from '../setting-values.ts';

export const metricsSettings = {
  /** Undefined to send nothing. */
  otlpUrl: {
    flag: 'otlp-url',
    summary: 'send metrics by OTLP/HTTP to this OpenTelemetry collector',
    value: 'URL',
    secret: true,
    fallback: undefined,
    parse: webhook,
    unit: 'URL, such as http://collector:4318/v1/metrics',
    more: 'the metrics of `/metrics` also go to an OpenTelemetry collector ([Metrics](metrics.md#opentelemetry))',
    less: 'nothing is sent',
  },
  otlpSeconds: {
    flag: 'otlp-seconds',
    summary: 'seconds between two deliveries of metrics',
    value: 'N',
    fallback: '15',
    parse: wholeNumber(1, 3_600),
    unit: 'seconds',
    more: 'fewer requests to the collector',
    less: 'fresher metrics',
  },
} as const satisfies SettingTable;
