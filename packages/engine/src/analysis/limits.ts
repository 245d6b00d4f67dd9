/**
 * Limits of other programs that let pass whatever a token bucket of that rate and burst lets pass.
 * docs/bursts.md derives them. Lines of configuration, to be pasted.
 */

interface Bucket {
  /** Messages in a second, a whole number. */
  readonly rate: number;
  readonly burst: number;
}

/** Both look at the clock by the millisecond, so a message may seem to come that much early. */
function clockSlack(rate: number): number {
  return Math.ceil(rate / 1_000);
}

/**
 * nginx counts how far ahead of the rate it is, and refuses above `burst`; the first is not ahead. A
 * constant key: the limit is for all clients together.
 */
export function nginxLimit({ rate, burst }: Bucket): string[] {
  return [
    `limit_req_zone $server_name zone=reto3:1m rate=${rate}r/s;  # in http`,
    `limit_req zone=reto3 burst=${burst - 1 + clockSlack(rate)} nodelay;  # in server or location`,
    'limit_req_status 429;',
  ];
}

/**
 * haproxy has no bucket, but a rate over the last second: what came in this one, and what came in
 * the one before by the part of it that is left. A bucket lets pass no more than burst + rate in it.
 */
export function haproxyLimit({ rate, burst }: Bucket): string[] {
  return [
    'stick-table type integer size 1 expire 10s store http_req_rate(1s)',
    'http-request track-sc0 int(1)',
    `http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${burst + rate + clockSlack(rate)} }`,
  ];
}

/** Envoy refuses a shorter interval between two fills of a bucket. */
const leastFillMs = 50;

/**
 * Envoy's local rate limit adds tokens in lumps: in older versions by a timer, in newer ones evenly.
 * The lumps lag behind an even flow by one of them at most, so the bucket is that much deeper.
 * Interval and lump are the smallest that make at least the rate.
 */
export function envoyLimit({ rate, burst }: Bucket): string[] {
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

/** Istio hands the same filter to the Envoy beside each replica, which has a bucket of its own. */
export function istioLimit(bucket: Bucket): string[] {
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

/** Traefik has a bucket that fills evenly, by the nanosecond; one for each host that is asked for. */
export function traefikLimit({ rate, burst }: Bucket): string[] {
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
