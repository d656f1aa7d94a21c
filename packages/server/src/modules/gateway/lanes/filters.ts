import { hash } from 'node:crypto';
import type { RouteFilter } from '@atrium/protocol';
import ipaddr from 'ipaddr.js';
import { addressKey, type RateAnswer, type RateHit } from '../../../platform/limits/rate-limiter.ts';
import type { Visitor } from '../gate.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import type { OwnAnswer } from './own-answers.ts';

export interface FilterParts {
  /** Counts of this process, exchanged with the others. */
  hit: (hit: RateHit) => RateAnswer;
  /** Of an address, in two letters; null when nothing places it. */
  country: (address: string) => string | null;
  verify_password: (hashed: string, password: string) => Promise<boolean>;
}

export interface FilterFacts {
  route: RouteSnapshot;
  visitor: Visitor;
  address: string;
  /** Below the base. */
  path: string;
  query: string;
  /** Before a path when it is told to the client. */
  prefix: string;
  authorization: string | undefined;
}

export type FilterResult =
  | {
      kind: 'pass';
      response: Readonly<Record<string, string | null>>;
      request: Readonly<Record<string, string | null>>;
    }
  | { kind: 'answer'; answer: OwnAnswer }
  | { kind: 'redirect'; status: number; location: string };

type Ranges = readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];

const nothing = { kind: 'pass', request: {}, response: {} } as const satisfies FilterResult;
const nobody: Visitor = { caller: null, share_id: null, identity_headers: [], watch: () => () => undefined };

const wrong = (realm: string): FilterResult => ({
  kind: 'answer',
  answer: {
    status: 401,
    code: 'unauthorized',
    detail: 'This app asks for a name and password.',
    headers: [['www-authenticate', `Basic realm="${realm}", charset="UTF-8"`]],
  },
});

/** What a route demands of a request beside the gate's verdict, in the order of its list. */
export class Filters {
  readonly #parts: FilterParts;
  readonly #ranges = new WeakMap<RouteFilter, Ranges>();
  /** Names and passwords that were right, by digest: argon2 on every request would be an attack on ourselves. */
  readonly #proved = new Map<string, number>();

  constructor(parts: FilterParts) {
    this.#parts = parts;
  }

  apply(facts: FilterFacts): FilterResult | Promise<FilterResult> {
    return facts.route.filters.length === 0 ? nothing : this.#each(facts);
  }

  /** Whether a stream may begin, which has an address and nothing else. Its filters decide at once. */
  admit(route: RouteSnapshot, address: string): 'denied' | 'rate' | null {
    const facts = { route, visitor: nobody, address, path: '', query: '', prefix: '', authorization: undefined };
    for (const [index, filter] of route.filters.entries()) {
      const result = this.#one(filter, index, facts);
      if (!(result instanceof Promise) && result.kind === 'pass') continue;
      return filter.kind === 'rate' ? 'rate' : 'denied';
    }
    return null;
  }

  async #each(facts: FilterFacts): Promise<FilterResult> {
    const changes = { request: {} as Record<string, string | null>, response: {} as Record<string, string | null> };
    for (const [index, filter] of facts.route.filters.entries()) {
      const result = await this.#one(filter, index, facts);
      if (result.kind !== 'pass') return result;
      Object.assign(changes.request, result.request);
      Object.assign(changes.response, result.response);
    }
    return { kind: 'pass', ...changes };
  }

  #one(filter: RouteFilter, index: number, facts: FilterFacts): FilterResult | Promise<FilterResult> {
    switch (filter.kind) {
      case 'ip_allow':
        return this.#allowed(filter, facts.address);
      case 'rate':
        return this.#rate(filter, index, facts);
      case 'headers':
        return { kind: 'pass', request: filter.request, response: filter.response };
      case 'redirect':
        return redirected(filter, facts);
      case 'basic_auth':
        return this.#basic(filter, facts);
      case 'geoblock':
        return this.#geoblock(filter, facts.address);
      // Said to the exchange, which does it.
      case 'circuit':
      case 'mirror':
      case 'retry':
      case 'cors_preflight':
        return nothing;
    }
  }

  #allowed(filter: RouteFilter & { kind: 'ip_allow' }, address: string): FilterResult {
    const ranges = this.#ranges.get(filter) ?? filter.cidrs.map(rangeOf);
    this.#ranges.set(filter, ranges);
    const ip = ipaddr.isValid(address) ? ipaddr.process(address) : null;
    const inside = ranges.some(([base, bits]) => ip !== null && ip.kind() === base.kind() && ip.match(base, bits));
    if (inside) return nothing;
    return {
      kind: 'answer',
      answer: { status: 403, code: 'address_denied', detail: 'This app is not open to your address.' },
    };
  }

  #geoblock(filter: RouteFilter & { kind: 'geoblock' }, address: string): FilterResult {
    const country = this.#parts.country(address);
    const listed = country !== null && filter.countries.includes(country);
    const open = country === null ? filter.unknown === 'allow' : listed === (filter.mode === 'allow');
    if (open) return nothing;
    return {
      kind: 'answer',
      answer: { status: 403, code: 'address_denied', detail: 'This app is not open to where your address is.' },
    };
  }

  #rate(filter: RouteFilter & { kind: 'rate' }, index: number, facts: FilterFacts): FilterResult {
    const { caller } = facts.visitor;
    const key = filter.by === 'principal' && caller !== null ? caller.id : addressKey(facts.address);
    const window_ms = filter.window_s * 1000;
    const bucket = `gateway.route:${facts.route.id}:${index}`;
    const verdict = this.#parts.hit({ bucket, key, limit: filter.requests, window_ms });
    const told = {
      'RateLimit-Limit': String(filter.requests),
      'RateLimit-Remaining': String(verdict.remaining),
      'RateLimit-Reset': String(filter.window_s),
    };
    if (verdict.allowed) return { kind: 'pass', request: {}, response: told };
    const wait = String(Math.max(1, Math.ceil(verdict.retry_after_ms / 1000)));
    return {
      kind: 'answer',
      answer: {
        status: 429,
        code: 'rate_limited',
        detail: `Too many requests; wait ${wait} s.`,
        headers: [...Object.entries(told), ['retry-after', wait]],
      },
    };
  }

  async #basic(filter: RouteFilter & { kind: 'basic_auth' }, facts: FilterFacts): Promise<FilterResult> {
    const realm = facts.route.app.slug;
    const [scheme = '', encoded = ''] = (facts.authorization ?? '').split(/\s+/, 2);
    if (scheme.toLowerCase() !== 'basic') return wrong(realm);
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const mark = text.indexOf(':');
    const user = filter.users.find(({ name }) => name === text.slice(0, mark));
    if (mark < 0 || user?.password === undefined) return wrong(realm);
    const proof = hash('sha256', `${user.password}\n${encoded}`, 'hex');
    const now = Date.now();
    if ((this.#proved.get(proof) ?? 0) > now) return nothing;
    const guess = { bucket: 'gateway.basic_auth', key: addressKey(facts.address), limit: 20, window_ms: 60_000 };
    if (!this.#parts.hit(guess).allowed)
      return {
        kind: 'answer',
        answer: {
          status: 429,
          code: 'rate_limited',
          detail: 'Too many attempts; wait a minute.',
          headers: [['retry-after', '60']],
        },
      };
    if (!(await this.#parts.verify_password(user.password, text.slice(mark + 1)))) return wrong(realm);
    if (this.#proved.size > 10_000) this.#proved.clear();
    this.#proved.set(proof, now + 300_000);
    return nothing;
  }
}

const rangeOf = (text: string): Ranges[number] => {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
};

const redirected = (filter: RouteFilter & { kind: 'redirect' }, facts: FilterFacts): FilterResult => {
  const { from, to, status } = filter;
  const open = from.endsWith('*');
  const start = open ? from.slice(0, -1) : from;
  if (open ? !facts.path.startsWith(start) : facts.path !== start) return nothing;
  const rest = open ? facts.path.slice(start.length) : '';
  const goal = to.replace('*', () => rest);
  // Two slashes at the front would make the rest of the path a host.
  const location = to.startsWith('/') ? `${facts.prefix}${goal.replace(/^\/+/, '/')}` : goal;
  return { kind: 'redirect', status, location: location + (location.includes('?') ? '' : facts.query) };
};
