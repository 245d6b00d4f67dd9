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
