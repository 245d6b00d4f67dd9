/** Settings of the port that takes the requests. */
import type { SettingTable } from '../setting.ts';
import { address, nonEmpty, wholeNumber } from '../setting-values.ts';

export const ingestSettings = {
  port: {
    flag: 'port',
    summary: 'port that takes the requests; 0 lets the system choose',
    value: 'PORT',
    fallback: '8080',
    parse: wholeNumber(0, 65_535),
    unit: 'TCP port',
    less: '0 lets the system choose: for tests',
  },
  host: {
    flag: 'host',
    summary: 'address that takes the requests',
    value: 'ADDRESS',
    fallback: '0.0.0.0',
    parse: address,
    unit: 'address',
    more: 'every interface takes requests',
    less: '127.0.0.1: only this machine, behind a proxy',
  },
  /** A PEM file, together with tlsKey. */
  tlsCert: {
    flag: 'tls-cert',
    summary: 'file with the certificate chain (PEM): the port then speaks TLS; needs --tls-key',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM',
    more: 'the ingest port speaks TLS without a proxy, at more CPU for each connection; a renewed certificate needs a restart',
    less: 'plain HTTP, behind a load balancer that speaks TLS',
  },
  /** A PEM file, together with tlsCert. */
  tlsKey: {
    flag: 'tls-key',
    summary: "file with the certificate's unencrypted private key (PEM)",
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM, unencrypted',
    more: 'needed with `--tls-cert`',
  },
} as const satisfies SettingTable;
