/**
 * Rate limits for other programs, as lines of configuration to paste. Each passes whatever a token
 * bucket of the given rate and burst passes; docs/bursts.md derives them.
 */

interface Bucket {
  /** Messages per second, a whole number. */
  readonly rate: number;
  /** Depth in messages. */
  readonly burst: number;
}

/** Lines of configuration by program. */
export type Limits = Readonly<
  Record<'nginx' | 'haproxy' | 'envoy' | 'istio' | 'traefik', string[]>
>;

export function limitsOf(bucket: Bucket): Limits {
  return {
    nginx: nginxLimit(bucket),
    haproxy: haproxyLimit(bucket),
    envoy: envoyLimit(bucket),
    istio: istioLimit(bucket),
    traefik: traefikLimit(bucket),
  };
}

/**
 * nginx and haproxy read the clock in whole milliseconds, so a message may seem that much early.
 */
function clockSlack(rate: number): number {
  return Math.ceil(rate / 1_000);
}

/**
 * nginx refuses a request that is more than `burst` requests ahead of the rate; the first one is
 * not ahead. The key is constant, so all clients share the limit.
 */
function nginxLimit({ rate, burst }: Bucket): string[] {
  return [
    `limit_req_zone $server_name zone=reto3:1m rate=${rate}r/s;  # in http`,
    `limit_req zone=reto3 burst=${burst - 1 + clockSlack(rate)} nodelay;  # in server or location`,
    'limit_req_status 429;',
  ];
}

/**
 * haproxy has no bucket. It limits a rate over the last second: the requests of the current second,
 * plus a decreasing share of those of the previous one. A bucket passes at most burst + rate in it.
 */
function haproxyLimit({ rate, burst }: Bucket): string[] {
  return [
    'stick-table type integer size 1 expire 10s store http_req_rate(1s)',
    'http-request track-sc0 int(1)',
    `http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${burst + rate + clockSlack(rate)} }`,
  ];
}

/** Envoy refuses a shorter fill interval. */
const leastFillMs = 50;

/**
 * Older versions of Envoy add `tokens_per_fill` at each interval; newer ones fill evenly. Filling
 * at intervals lags behind by at most one fill, so the bucket is deeper by that. Interval and fill
 * are the smallest that reach the rate.
 */
function envoyLimit({ rate, burst }: Bucket): string[] {
  const tokens = Math.ceil((rate * leastFillMs) / 1_000);
  const fillMs = Math.floor((tokens * 1_000) / rate);
  return [
    'name: envoy.filters.http.local_ratelimit  # in http_filters, before the router',
    'typed_config:',
    '  "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
    '  stat_prefix: reto3',
    '  token_bucket:',
    `    max_tokens: ${burst + tokens}`,
    `    tokens_per_fill: ${tokens}`,
    `    fill_interval: ${fillMs / 1_000}s`,
    '  filter_enabled: { default_value: { numerator: 100, denominator: HUNDRED } }',
    '  filter_enforced: { default_value: { numerator: 100, denominator: HUNDRED } }',
  ];
}

/**
 * Istio passes the same filter to the Envoy of each replica, so each replica has its own bucket.
 */
function istioLimit(bucket: Bucket): string[] {
  return [
    'apiVersion: networking.istio.io/v1alpha3',
    'kind: EnvoyFilter',
    'metadata: { name: reto3-limit }  # in the namespace of the workload',
    'spec:',
    '  workloadSelector: { labels: { app: APP } }',
    '  configPatches:',
    '    - applyTo: HTTP_FILTER',
    '      match:',
    '        context: SIDECAR_INBOUND',
    '        listener:',
    '          filterChain: { filter: { name: envoy.filters.network.http_connection_manager } }',
    '      patch:',
    '        operation: INSERT_BEFORE',
    '        value:',
    ...envoyLimit(bucket).map((line) => `          ${line}`),
  ];
}

/**
 * Traefik's bucket fills evenly, by the nanosecond. The criterion makes one bucket per host name.
 */
function traefikLimit({ rate, burst }: Bucket): string[] {
  return [
    'http:  # dynamic configuration; name the middleware in the router',
    '  middlewares:',
    '    reto3:',
    '      rateLimit:',
    `        average: ${rate}`,
    `        burst: ${burst}`,
    '        sourceCriterion: { requestHost: true }',
  ];
}
