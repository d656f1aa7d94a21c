import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { AddressRange } from '../../platform/config/value-types.ts';
import { createAddressGuard, type Resolve } from '../../platform/net/address-guard.ts';

/** `private`: only where an operator set it. */
export type TargetVerdict =
  | { kind: 'public' }
  /** Not public, and allowed to everybody by gateway.targets.allow. */
  | { kind: 'listed' }
  | { kind: 'private'; address: string }
  | { kind: 'refused'; reason: string };

export interface TargetRules {
  allow: readonly AddressRange[];
  deny: readonly AddressRange[];
  /** Ports on this machine that are the server's own and its database's. */
  own_ports: readonly number[];
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const range = (cidr: string) => ipaddr.parseCIDR(cidr);
/** Nobody's to reach: link-local with the metadata services of clouds, unspecified, multicast, broadcast, reserved. */
const never = [
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '100.100.100.200/32', '192.0.0.192/32'],
  ...['::/128', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
].map(range);

const inRange = (address: Address, [base, bits]: [Address, number]): boolean =>
  address.kind() === base.kind() && address.match(base, bits);
const listed = (address: Address, ranges: readonly AddressRange[]): boolean =>
  ranges.some((one) => inRange(address, [one.address, one.bits]));

/** The IPv4 address inside an IPv6 one, as routers deliver it: mapped, NAT64, 6to4, compatible. */
const plain = (address: Address): Address => {
  if (address.kind() === 'ipv4') return address;
  const bytes = address.toByteArray();
  const inner = (from: number) => ipaddr.fromByteArray(bytes.slice(from, from + 4));
  if ((address as ipaddr.IPv6).isIPv4MappedAddress()) return inner(12);
  if (inRange(address, range('64:ff9b::/96')) || inRange(address, range('64:ff9b:1::/48'))) return inner(12);
  if (inRange(address, range('2002::/16'))) return inner(2);
  const compatible = bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12, 15).some((byte) => byte !== 0);
  return compatible ? inner(12) : address;
};

const isPublic = createAddressGuard();

const isThisMachine = (address: Address): boolean => {
  if (address.range() === 'loopback') return true;
  const text = address.toNormalizedString();
  return Object.values(networkInterfaces()).some((entries) =>
    (entries ?? []).some((one) => ipaddr.parse(one.address.split('%')[0]!).toNormalizedString() === text),
  );
};

/** May this server connect to the address? Asked when a target is saved and again at each dial. */
export const judgeAddress = (text: string, port: number, rules: TargetRules): TargetVerdict => {
  if (!ipaddr.isValid(text)) return { kind: 'refused', reason: 'is no address' };
  const address = plain(ipaddr.parse(text));
  if (never.some((one) => inRange(address, one)))
    return { kind: 'refused', reason: 'is an address that is never allowed' };
  if (listed(address, rules.deny)) return { kind: 'refused', reason: 'is denied by gateway.targets.deny' };
  if (rules.own_ports.includes(port) && isThisMachine(address))
    return { kind: 'refused', reason: 'is this server itself' };
  if (isPublic(address.toString())) return { kind: 'public' };
  return listed(address, rules.allow) ? { kind: 'listed' } : { kind: 'private', address: address.toString() };
};

const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 };
export const portOf = (url: URL): number => (url.port === '' ? defaultPorts[url.protocol]! : Number(url.port));
/** Without the brackets of an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** Under which a target is known to lanes and health: without a slash at the end. */
export const targetKey = (url: string): string => url.replace(/\/+$/, '');

const gravity = { refused: 3, private: 2, listed: 1, public: 0 } as const;
const worst = (verdicts: readonly TargetVerdict[]): TargetVerdict =>
  verdicts.toSorted((a, b) => gravity[b.kind] - gravity[a.kind])[0]!;

/** The host as it was written, before the URL parser made an address of 2130706433 or 0300.0250.1.10. */
const writtenHost = (target: string): string =>
  /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1]?.toLowerCase().replace(/:\d*$/, '') ?? '';

/**
 * The judgement on a target as it stands in a route. All addresses of a name count, the worst decides. A name that does
 * not resolve now is taken: whatever it becomes is judged at each dial.
 */
export const judgeTarget = async (target: string, rules: TargetRules, resolve: Resolve): Promise<TargetVerdict> => {
  const url = new URL(target);
  const [host, port] = [hostOf(url), portOf(url)];
  if (ipaddr.isValid(host)) {
    if (!host.includes(':') && writtenHost(target) !== host)
      return { kind: 'refused', reason: 'has an address in a form that hides it' };
    return judgeAddress(host, port, rules);
  }
  let found: string[];
  try {
    found = (await resolve(host)).map(({ address }) => address);
  } catch {
    found = [];
  }
  return found.length === 0 ? { kind: 'public' } : worst(found.map((address) => judgeAddress(address, port, rules)));
};
