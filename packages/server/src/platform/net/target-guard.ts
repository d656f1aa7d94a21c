import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { createAddressGuard, embeddedIpv4, type Resolve } from './address-guard.ts';

/** Why a target may not be dialled. */
export class TargetRefused extends Error {
  readonly code = 'ATRIUM_TARGET_REFUSED';
  readonly target: string;
  constructor(target: string, why: string) {
    super(`${target} ${why}`);
    this.name = 'TargetRefused';
    this.target = target;
  }
}

export interface TargetGuardOptions {
  /** Ranges that everybody may use although they are not public. */
  allow: () => readonly string[];
  /** Ranges that nobody may use. */
  deny: () => readonly string[];
  /** Ports that this server itself listens on, its database included. */
  own_ports: () => readonly number[];
}

/** Says where the gateway may connect to. Asked when a target is saved, and again of the address that is dialled. */
export interface TargetGuard {
  /** Null when it may, else why not. `private_too` = an operator allowed addresses that are not public. */
  refusal(address: string, port: number, private_too: boolean): string | null;
}

const neverRanges = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal']);
/** Metadata services of clouds that are in no range of that kind. */
const neverAddresses = new Set(['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16', '192.0.0.192']);

const isOwnAddress = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean => {
  if (address.range() === 'loopback') return true;
  const text = address.toString();
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((own) => ipaddr.isValid(own.address) && ipaddr.process(own.address).toString() === text),
  );
};

const neverReason = (address: ipaddr.IPv4 | ipaddr.IPv6): string | null => {
  if (neverAddresses.has(address.toString())) return 'is a metadata service';
  // 240.0.0.0/4. What is kept for documentation and benchmarks is no danger, and some use it as a network of their own.
  if (address.kind() === 'ipv4' && address.toByteArray()[0]! >= 240) return 'is a reserved address';
  return neverRanges.has(address.range()) ? `is a ${address.range()} address` : null;
};

export const createTargetGuard = (options: TargetGuardOptions): TargetGuard => ({
  refusal: (text, port, privateToo) => {
    if (!ipaddr.isValid(text)) return 'is no address';
    const outer = ipaddr.process(text);
    const address = (outer.kind() === 'ipv6' ? embeddedIpv4(outer as ipaddr.IPv6) : null) ?? outer;
    const never = neverReason(outer) ?? neverReason(address);
    // ::1 is the IPv4 address 0.0.0.1 in the deprecated form; it is loopback before it is that.
    if (never !== null && outer.range() !== 'loopback') return never;
    if (options.own_ports().includes(port) && (isOwnAddress(outer) || isOwnAddress(address)))
      return 'is this server itself';
    const deny = options.deny();
    if (deny.length > 0 && inRanges(deny, address)) return 'is in gateway.targets.deny';
    if (privateToo || createAddressGuard(options.allow())(text)) return null;
    return 'is not a public address';
  },
});

const inRanges = (ranges: readonly string[], address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  ranges.some((text) => {
    const [base, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : [ipaddr.parse(text), 128];
    return base.kind() === address.kind() && address.match(base, Math.min(bits, base.kind() === 'ipv4' ? 32 : 128));
  });

/** Names are resolved, every address is checked, and what was checked is what is dialled. */
export const guardedTargetLookup =
  (guard: TargetGuard, resolve: Resolve, port: number, privateToo: boolean): LookupFunction =>
  (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        // One bad address spoils the name: picking the good one would let a rebinding server try again and again.
        for (const { address } of addresses) {
          const why = guard.refusal(address, port, privateToo);
          if (why !== null) return callback(new TargetRefused(host, `leads to ${address}, which ${why}`), '', 0);
        }
        const [first] = addresses;
        if (first === undefined) return callback(Object.assign(new Error(host), { code: 'ENOTFOUND' }), '', 0);
        if (options.all) return callback(null, addresses);
        callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };

/** For addresses that are written out: they never reach a lookup. */
export const literalRefusal = (
  guard: TargetGuard,
  hostname: string,
  port: number,
  privateToo: boolean,
): TargetRefused | null => {
  const host = hostname.replace(/^\[|\]$/g, '');
  const why = isIP(host) === 0 ? null : guard.refusal(host, port, privateToo);
  return why === null ? null : new TargetRefused(host, why);
};
