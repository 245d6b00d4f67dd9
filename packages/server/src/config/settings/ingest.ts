/** Settings of the ingest port. */
import type { SettingTable } from '../setting.ts';
import { address, nonEmpty, wholeNumber } from '../setting-values.ts';

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
  /** A PEM file, together with tlsKey. */
  tlsCert: {
    flag: 'tls-cert',
    summary: 'certificate chain (PEM) for TLS on this port, with --tls-key',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM',
    more: 'TLS without a proxy; more CPU per connection, and a restart to renew the certificate',
    less: 'plain HTTP, for use behind a load balancer with TLS',
  },
  /** A PEM file, together with tlsCert. */
  tlsKey: {
    flag: 'tls-key',
    summary: 'unencrypted private key (PEM) of --tls-cert',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM, unencrypted',
    more: 'the key of `--tls-cert`',
  },
} as const satisfies SettingTable;
