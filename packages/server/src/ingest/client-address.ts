/**
 * The address of the client that sent a message: the peer of the connection or, if the peer is a
 * proxy listed in `--trust-proxy`, the address in X-Forwarded-For. Each proxy appends the address
 * that it saw, so the client is the last address that is not a trusted proxy; clients can forge
 * everything before it.
 */
import { type BlockList, isIP } from 'node:net';
import { blockListOf } from '../config/networks.ts';

/** Peers repeat from message to message; beyond this many, they are looked up again. */
const maxRemembered = 4_096;

/**
 * The form of an address that some proxies write into X-Forwarded-For: with a port, IPv6 in
 * brackets.
 */
const withPort = /^(?:\[([\da-fA-F:.]+)\](?::\d+)?|([\d.]+):\d+)$/;

export class ClientAddresses {
  readonly #trusted: BlockList | undefined;
  readonly #remembered = new Map<string, boolean>();

  /** @param trusted addresses and networks such as `10.0.0.0/8`; undefined trusts nobody */
  constructor(trusted: readonly string[] | undefined) {
    this.#trusted = trusted && blockListOf(trusted);
  }

  /** Whether to believe X-Forwarded-For from this peer. */
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

/** Converts an IPv4 address that a dual-stack socket shows as IPv6 back to IPv4. */
export function plainAddress(text: string): string {
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text;
}
