/** Settings of the ingest port. */
import { httpEngines } from '@reto3/core';
import type { SettingTable } from '../setting.ts';
import { address, filePath, networks, oneOf, wholeNumber } from '../setting-values.ts';

export const ingestSettings = {
  port: {
    flag: 'port',
    summary: 'port for requests; 0 for any free port',
    value: 'PORT',
    fallback: '8080',
    parse: wholeNumber(0, 65_535),
    unit: 'TCP port',
    less: '0 picks a free port, for tests',
  },
  host: {
    flag: 'host',
    summary: 'address for requests',
    value: 'ADDRESS',
    fallback: '0.0.0.0',
    parse: address,
    unit: 'address',
    more: 'listens on every interface',
    less: '127.0.0.1: only this machine, for example behind a proxy',
  },
  http: {
    flag: 'http',
    summary:
      "server of the ingest port: uws (uWebSockets.js, fast) or node (Node's own, for every client)",
    value: httpEngines.join('|'),
    fallback: 'uws',
    parse: oneOf(httpEngines),
    unit: 'HTTP engine',
    more: '`node`: also serves HTTP/1.0, trailers, absolute targets and pipelines with `--ack durable`, on every platform of Node.js; a third of the requests/s ([Who speaks HTTP](#who-speaks-http))',
    less: '`uws`: the fastest; HTTP/1.1 only',
  },
  /** Addresses and networks; undefined to trust nobody. */
  trustProxy: {
    flag: 'trust-proxy',
    summary: 'proxies whose X-Forwarded-For names the client: addresses or networks',
    value: 'ADDRESSES',
    repeatable: true,
    fallback: undefined,
    parse: networks,
    unit: 'IP addresses, networks such as 10.0.0.0/8',
    more: "reports and the archive see the proxy's client; list only your own proxies, since any other peer could invent an address",
    less: "the client is the connection's peer",
  },
  /** A PEM file, together with tlsKey. */
  tlsCert: {
    flag: 'tls-cert',
    summary: 'certificate chain (PEM) for TLS on this port, with --tls-key',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path, PEM',
    more: 'TLS without a proxy; more CPU per connection. A renewed certificate takes effect within seconds',
    less: 'plain HTTP, for use behind a load balancer with TLS',
  },
  /** A PEM file, together with tlsCert. */
  tlsKey: {
    flag: 'tls-key',
    summary: 'unencrypted private key (PEM) of --tls-cert',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path, PEM, unencrypted',
    more: 'the key of `--tls-cert`',
  },
} as const satisfies SettingTable;
