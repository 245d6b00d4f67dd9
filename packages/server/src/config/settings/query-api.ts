/** Settings of the query API: its address and access control. */
import type { SettingTable } from '../setting.ts';
import { address, dnsNames, filePath, switchValue, wholeNumber } from '../setting-values.ts';

export const queryApiSettings = {
  adminPort: {
    flag: 'admin-port',
    summary: 'port of the query API; 0 for any free port',
    value: 'PORT',
    fallback: '8081',
    parse: wholeNumber(0, 65_535),
    unit: 'TCP port',
    less: '0 picks a free port; with any port but the default, set `RETO3_URL` for the commands',
  },
  adminHost: {
    flag: 'admin-host',
    summary:
      'address of the query API; other than loopback needs --admin-token-file or --admin-open',
    value: 'ADDRESS',
    fallback: '127.0.0.1',
    parse: address,
    unit: 'address',
    more: 'other machines can reach the query API; requires `--admin-token-file` or `--admin-open`',
  },
  adminTokenFile: {
    flag: 'admin-token-file',
    summary: 'file with a bearer token that the query API requires',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path; one line of printable ASCII, at least 16 characters',
    more: 'every request but a health check (`/healthz`, `/readyz`) needs the token; commands take it with `--token-file`. Create it with `openssl rand -base64 24`, readable by its owner only ([Secrets](operations.md#secrets))',
  },
  adminOpen: {
    flag: 'admin-open',
    summary: 'serve the query API to everybody who can reach it',
    fallback: 'false',
    parse: switchValue,
    unit: 'switch',
    more: 'no access control: only for networks that keep others out. Requests that change something (`reto3 cluster --republish` and `--forget`) must still come from the same machine, not through a proxy',
  },
  /** A PEM file, together with adminTlsKey. */
  adminTlsCert: {
    flag: 'admin-tls-cert',
    summary: 'certificate chain (PEM) for TLS on the query API',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path, PEM',
    more: 'TLS, which a token on a network needs. A renewed certificate takes effect within seconds',
    less: 'plain HTTP, for use on loopback or behind a proxy with TLS',
  },
  /** A PEM file, together with adminTlsCert. */
  adminTlsKey: {
    flag: 'admin-tls-key',
    summary: 'unencrypted private key (PEM) of --admin-tls-cert',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path, PEM, unencrypted',
    more: 'the key of `--admin-tls-cert`',
  },
  /** Host names that the query API accepts, besides its addresses and this machine's name. */
  adminNames: {
    flag: 'admin-name',
    summary: 'more host names of the query API, comma-separated',
    value: 'NAMES',
    repeatable: true,
    fallback: '',
    fallbackText: 'its addresses, localhost and the host name',
    parse: dnsNames,
    unit: 'names, comma-separated',
    more: 'needed if a proxy or DNS gives the server another name. Names bypass DNS-rebinding protection, so list only names that you own',
    less: 'requests under other names are refused',
  },
} as const satisfies SettingTable;
