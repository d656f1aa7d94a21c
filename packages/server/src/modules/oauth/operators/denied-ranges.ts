import ipaddr from 'ipaddr.js';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Db } from '../stores/db.ts';
import { deniedRangesStore } from '../stores/operator-lists-store.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const parse = (address: string): Address | null => (ipaddr.isValid(address) ? ipaddr.process(address) : null);

/** The first bits of an address, as a key. */
const prefixOf = (address: Address, bits: number): string => {
  const bytes = address.toByteArray();
  const whole = bits >> 3;
  const kept = bytes.slice(0, whole);
  const rest = bits & 7;
  if (rest > 0) kept.push(bytes[whole]! & (0xff << (8 - rest)) & 0xff);
  return `${address.kind()}/${bits}/${kept.join('.')}`;
};

/**
 * Refused ranges in memory, asked at every request. Looked up by prefix: as many look-ups as there are prefix lengths in
 * use, however long the list is.
 */
export class DeniedRanges {
  readonly #db: Db;
  readonly #clock: Clock;
  #prefixes = new Map<string, number>();
  #lengths: Record<'ipv4' | 'ipv6', number[]> = { ipv4: [], ipv6: [] };

  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  get size(): number {
    return this.#prefixes.size;
  }

  /** Reads the list anew: at start, when a replica changed it, and now and then in case a notice was lost. */
  async load(): Promise<void> {
    const prefixes = new Map<string, number>();
    const lengths = { ipv4: new Set<number>(), ipv6: new Set<number>() };
    for (const { range, expires_at } of await deniedRangesStore.live(this.#db, this.#clock.now())) {
      const [address, bits] = ipaddr.parseCIDR(
        range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`,
      );
      prefixes.set(prefixOf(address, bits), expires_at?.getTime() ?? Number.POSITIVE_INFINITY);
      lengths[address.kind()].add(bits);
    }
    this.#prefixes = prefixes;
    this.#lengths = { ipv4: [...lengths.ipv4], ipv6: [...lengths.ipv6] };
  }

  readonly denied = (ip: string): boolean => {
    if (this.#prefixes.size === 0) return false;
    const address = parse(ip);
    if (address === null) return false;
    const now = this.#clock.now().getTime();
    return this.#lengths[address.kind()].some((bits) => (this.#prefixes.get(prefixOf(address, bits)) ?? 0) > now);
  };
}

/** The range in its canonical form, or what is wrong with it. */
export const canonicalRange = (text: string): { range: string } | { problem: string } => {
  const [given, length] = text.split('/') as [string, string | undefined];
  const address = ipaddr.parse(given);
  if (address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress())
    return { problem: 'write an IPv4 address in its own form' };
  const bits = length === undefined ? (address.kind() === 'ipv4' ? 32 : 128) : Number(length);
  const network =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${bits}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${bits}`);
  return { range: `${network.toString()}/${bits}` };
};

export const rangeHolds = (range: string, ip: string | null): boolean => {
  const address = ip === null ? null : parse(ip);
  if (address === null) return false;
  const [network, bits] = ipaddr.parseCIDR(range);
  return network.kind() === address.kind() && address.match(network, bits);
};
