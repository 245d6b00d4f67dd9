/** IP addresses and networks, as written in settings. */
import { BlockList, isIP } from 'node:net';

/** @throws TypeError, RangeError if one is neither an address nor a network */
export function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN, family);
  }
  return list;
}
