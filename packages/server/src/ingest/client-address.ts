/**
 * The address of the client that sent a message: the peer of the connection or, if that is a proxy
 * of `--trust-proxy`, what its X-Forwarded-For says. Each proxy appends the address that it saw, so
 * the client is the last one that is no trusted proxy; whatever stands before it, clients may invent.
 */
import { type BlockList, isIP } from 'node:net';
import { blockListOf } from '../config/networks.ts';

/** Peers repeat from message to message; more of them are looked up anew. */
const maxRemembered = 4_096;

/** One address in the X-Forwarded-For of some proxies: with a port, IPv6 in brackets. */
const withPort = /^(?:\[([\da-fA-F:.]+)\](?::\d+)?|([\d.]+):\d+)$/;

export class ClientAddresses {
  readonly #trusted: BlockList | undefined;
  readonly #remembered = new Map<string, boolean>();

  /** @param trusted addresses and networks such as `10.0.0.0/8`; undefined trusts nobody */
  constructor(trusted: readonly string[] | undefined) {
    this.#trusted = trusted && blockListOf(trusted);
  }

  /** Whether X-Forwarded-For from this peer counts. */
  trusts(address: string): boolean {
    if (this.#trusted === undefined) return false;
    let trusts = this.#remembered.get(address);
    if (trusts === undefined) {
      trusts = this.#trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
      this.#remembered.set(address, trusts);
    }
    return trusts;
  }

  /** @param forwardedFor all X-Forwarded-For headers of a message, joined by commas */
  behind(peer: string, forwardedFor: string): string {
    let client = peer;
    const hops = forwardedFor.split(',');
    for (let hop = hops.pop(); hop !== undefined && this.trusts(client); hop = hops.pop()) {
      const text = hop.trim();
      const [, v6, v4] = withPort.exec(text) ?? [];
      const address = plainAddress(v6 ?? v4 ?? text);
      if (isIP(address) === 0) break;
      client = address;
    }
    return client;
  }
}

/** An IPv4 address that a socket of both families shows as IPv6 is shown as it is. */
export function plainAddress(text: string): string {
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text;
}
