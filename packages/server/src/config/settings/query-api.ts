/** Settings of the query API: where it listens, and who may read it. */
import type { SettingTable } from '../setting.ts';
import { address, dnsNames, nonEmpty, switchValue, wholeNumber } from '../setting-values.ts';

export const queryApiSettings = {
  adminPort: {
    flag: 'admin-port',
    summary: 'port of the query API; 0 lets the system choose',
    value: 'PORT',
    fallback: '8081',
    parse: wholeNumber(0, 65_535),
    unit: 'TCP port',
    less: '0 lets the system choose; with another port the commands want `RETO3_URL`',
  },
  adminHost: {
    flag: 'admin-host',
    summary:
      'address of the query API; one that is not loopback needs --admin-token-file or --admin-open',
    value: 'ADDRESS',
    fallback: '127.0.0.1',
    parse: address,
    unit: 'address',
    more: 'others can read the counts, so it needs one of the next two',
  },
  adminTokenFile: {
    flag: 'admin-token-file',
    summary: 'file with the bearer token that the query API then asks for',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path to one line of printable ASCII, 16 characters at least',
    more: 'with it, every request of the query API needs the token; the CLI takes it with `--token-file`. Make one with `openssl rand -base64 24`, readable by its owner only ([Secrets](operations.md#secrets))',
  },
  adminOpen: {
    flag: 'admin-open',
    summary: 'let everybody who reaches the query API read it',
    fallback: 'false',
    parse: switchValue,
    unit: 'switch',
    more: 'everybody who reaches the query API reads it: right only where a network keeps others out. What changes something (`reto3 cluster --republish`) still has to come from the same machine, and not through a proxy',
  },
  /** A PEM file, together with adminTlsKey. */
  adminTlsCert: {
    flag: 'admin-tls-cert',
    summary: 'certificate chain (PEM) of the query API, which then speaks TLS',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM',
    more: 'the query API speaks TLS: needed where a token crosses a network; a renewed certificate needs a restart',
    less: 'plain HTTP, on loopback or behind a proxy that speaks TLS',
  },
  /** A PEM file, together with adminTlsCert. */
  adminTlsKey: {
    flag: 'admin-tls-key',
    summary: 'unencrypted private key (PEM) of --admin-tls-cert',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path, PEM, unencrypted',
    more: 'needed with `--admin-tls-cert`',
  },
  /** Names by which the query API may be asked, besides its addresses and this machine's name. */
  adminNames: {
    flag: 'admin-name',
    summary: 'names by which others may ask the query API, with commas between them',
    value: 'NAMES',
    fallback: '',
    fallbackText: 'its addresses, localhost and the host name',
    parse: dnsNames,
    unit: 'names, with commas between them',
    more: "a name that others can point here lets their pages ask in a visitor's browser (DNS rebinding), so only names that you own",
    less: 'behind a proxy, or where DNS names the server',
  },
} as const satisfies SettingTable;
