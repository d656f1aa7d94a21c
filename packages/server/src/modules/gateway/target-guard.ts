import ipaddr from 'ipaddr.js';
import type { AddressRange } from '../../platform/config/value-types.ts';
import { createAddressGuard, type Resolve } from '../../platform/net/address-guard.ts';
import { createTargetGuard } from '../../platform/net/target-guard.ts';

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

const isPublic = createAddressGuard();
const cidrs = (ranges: readonly AddressRange[]): string[] => ranges.map(({ cidr }) => cidr);

/** May this server connect to the address? Asked when a target is saved and again at each dial. */
export const judgeAddress = (text: string, port: number, rules: TargetRules): TargetVerdict => {
  const own_ports = () => rules.own_ports;
  const guard = createTargetGuard({ allow: () => cidrs(rules.allow), deny: () => cidrs(rules.deny), own_ports });
  const reason = guard.refusal(text, port, true);
  if (reason !== null) return { kind: 'refused', reason };
  if (isPublic(text)) return { kind: 'public' };
  return guard.refusal(text, port, false) === null ? { kind: 'listed' } : { kind: 'private', address: text };
};

/** A target as it stands in a route. A scheme that the parser does not know would leave the host as it was written. */
export const readTarget = (target: string): URL => new URL(target.replace(/^h2c:/i, 'http:'));

const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 };
export const portOf = (url: URL): number => (url.port === '' ? (defaultPorts[url.protocol] ?? 0) : Number(url.port));
/** Without the brackets of an IPv6 address. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** Under which a target is known to lanes and health: without a slash at the end. */
export const targetKey = (url: string): string => url.replace(/\/+$/, '');

const gravity = { refused: 3, private: 2, listed: 1, public: 0 } as const;
const worst = (verdicts: readonly TargetVerdict[]): TargetVerdict =>
  verdicts.toSorted((a, b) => gravity[b.kind] - gravity[a.kind])[0]!;

/** The host as it was written, before the URL parser made an address of 2130706433 or 0300.0250.1.10. */
const writtenHost = (target: string): string =>
  /^[a-z][a-z0-9]*:\/\/([^/?#]*)/i.exec(target)?.[1]?.toLowerCase().replace(/:\d*$/, '') ?? '';

/**
 * The judgement on a target as it stands in a route. All addresses of a name count, the worst decides. A name that does
 * not resolve now is taken: whatever it becomes is judged at each dial.
 */
export const judgeTarget = async (target: string, rules: TargetRules, resolve: Resolve): Promise<TargetVerdict> => {
  const url = readTarget(target);
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
