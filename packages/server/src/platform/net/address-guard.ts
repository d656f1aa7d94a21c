import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** Resolves a name to all of its addresses. Replaced in tests only. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    );
  });

const bytesToIpv4 = (bytes: number[]): Address => ipaddr.fromByteArray(bytes);

/**
 * The IPv4 address that travels inside an IPv6 one: mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96 and 64:ff9b:1::/48),
 * 6to4 (2002::/16) and the deprecated compatible form (::/96). A router may deliver each of them to that IPv4 address.
 */
export const embeddedIpv4 = (address: ipaddr.IPv6): Address | null => {
  const bytes = address.toByteArray();
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number])) return bytesToIpv4(bytes.slice(12));
  if (address.match(ipaddr.parseCIDR('64:ff9b:1::/48') as [ipaddr.IPv6, number])) return bytesToIpv4(bytes.slice(12));
  if (address.match(ipaddr.parseCIDR('2002::/16') as [ipaddr.IPv6, number])) return bytesToIpv4(bytes.slice(2, 6));
  if (bytes.slice(0, 12).every((byte) => byte === 0)) return bytesToIpv4(bytes.slice(12));
  return null;
};

const inRange = (address: Address, [base, bits]: Range): boolean =>
  address.kind() === base.kind() && address.match(base, bits);

/** Says whether this server may connect to an address: public unicast only, plus what the operator listed. */
export const createAddressGuard = (allowedCidrs: readonly string[] = []): ((address: string) => boolean) => {
  const allowed = allowedCidrs.map((cidr): Range => (cidr.includes('/') ? ipaddr.parseCIDR(cidr) : hostRange(cidr)));
  const mayConnect = (address: Address): boolean => {
    if (allowed.some((range) => inRange(address, range))) return true;
    if (address.kind() === 'ipv6') {
      const inner = embeddedIpv4(address as ipaddr.IPv6);
      if (inner !== null) return mayConnect(inner);
    }
    // Every special range of IANA has another name than `unicast`: private, loopback, linkLocal (with the metadata
    // service at 169.254.169.254), carrierGradeNat, uniqueLocal, multicast, reserved and so on.
    return address.range() === 'unicast';
  };
  return (text) => ipaddr.isValid(text) && mayConnect(ipaddr.parse(text));
};

const hostRange = (text: string): Range => {
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
};
