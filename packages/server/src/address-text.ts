/** Addresses as text: with a port, and without the form that a socket for both families gives them. */

/** `127.0.0.1:8080`, or `[::1]:8080` for an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An IPv4 address that came mapped into IPv6 (`::ffff:192.0.2.1`) as IPv4; any other as it is. */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
