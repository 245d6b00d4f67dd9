import { describe, expect, it } from 'vitest';
import { ClientAddresses } from './client-address.ts';

const clients = new ClientAddresses(['10.0.0.0/8', '::1']);

describe('the client of a message', () => {
  it.each([
    ['a peer that is no proxy, whatever it says', '192.0.2.7', '198.51.100.1', '192.0.2.7'],
    ['what a proxy saw', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['the last address that is no proxy', '::1', '1.1.1.1, 192.0.2.7, 10.9.9.9', '192.0.2.7'],
    ['the first address if all are proxies', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['an address without its port', '10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv6 without brackets', '10.1.2.3', '[2001:db8::1]:443', '2001:db8::1'],
    ['IPv4 in IPv6 as IPv4', '10.1.2.3', '::ffff:192.0.2.7', '192.0.2.7'],
    ['the proxy if it says no address', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['the proxy if it says nothing', '10.1.2.3', '', '10.1.2.3'],
  ])('is %s', (_, peer, forwardedFor, client) => {
    expect(clients.behind(peer, forwardedFor)).toBe(client);
  });

  it('is the peer if no proxy is trusted', () => {
    expect(new ClientAddresses(undefined).behind('10.1.2.3', '198.51.100.1')).toBe('10.1.2.3');
  });
});
