import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Address with IPv4-in-IPv6 unwrapped, or null when it is none. */
const parse = (address: string): ipaddr.IPv4 | ipaddr.IPv6 | null =>
  ipaddr.isValid(address) ? ipaddr.process(address) : null;

/** Tells whether a peer is one of the proxies named by CIDR. An unreadable range is a configuration error. */
export const trustedProxies = (ranges: readonly string[]): ((address: string) => boolean) => {
  const parsed = ranges.map((range) => {
    const text = range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`;
    return ipaddr.parseCIDR(text);
  });
  return (address) => {
    const ip = parse(address);
    return ip !== null && parsed.some(([network, bits]) => network.kind() === ip.kind() && ip.match(network, bits));
  };
};

/** Who sent a request that did not come through a route: the first address from the right that is no proxy of ours. */
export const clientAddress = (request: IncomingMessage, trusted: (address: string) => boolean): string => {
  const peer = request.socket.remoteAddress ?? '';
  const forwarded = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? ''))
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  let address = peer;
  while (trusted(address) && hops.length > 0) address = hops.pop()!;
  return address;
};

export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && parse(address)?.range() === 'loopback';
