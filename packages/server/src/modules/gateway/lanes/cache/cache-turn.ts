import { createHash } from 'node:crypto';
import { isApiKey, withoutOwnCookies } from '../../gate/header-rules.ts';
import type { Visitor } from '../../gate.ts';
import { pathBelow } from '../../matching/request-path.ts';
import type { TargetSnapshot } from '../../snapshot.ts';
import { type Matched, mountOf } from '../lane-context.ts';
import { headerOf } from '../response-headers.ts';
import { type AnswerCache, ageOf, type Kept, type Place, type Recording } from './answer-cache.ts';
import {
  directivesOf,
  isUnchanged,
  keepingOf,
  lifetimeOf,
  listOf,
  mayServe,
  mayStandIn,
  type RequestFields,
  varyKey,
} from './cache-policy.ts';

export type Plan =
  | { kind: 'serve'; entry: Kept }
  /** `headers` replace the client's own conditions. */
  | { kind: 'ask'; headers: Readonly<Record<string, string | null>> | null }
  | { kind: 'not_cached' };

const conditions = [...['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range']] as const;
/** What a 304 says beside what it renews (RFC 9110, 15.4.5). */
const ofUnchanged = new Set([
  ...['cache-control', 'content-location', 'date', 'etag', 'expires', 'last-modified', 'vary', 'age'],
  ...['content-security-policy', 'content-security-policy-report-only', 'cache-status'],
]);

/** Whose answers they are that are nobody else's: of a principal or a share link, and of what the app is sent of them. */
const ownerOf = (headers: RequestFields, visitor: Visitor, passes_authorization: boolean): string => {
  const cookie = typeof headers['cookie'] === 'string' ? withoutOwnCookies(headers['cookie']) : null;
  const key = headers['x-api-key'];
  const parts = [
    visitor.caller?.id ?? '',
    visitor.share_id ?? '',
    cookie ?? '',
    passes_authorization ? (headers['authorization'] ?? '') : '',
    typeof key === 'string' && !isApiKey(key) ? key : '',
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
};

/** What the cache does for one request. */
export class CacheTurn {
  readonly #cache: AnswerCache;
  readonly #matched: Matched;
  readonly #place: Place;
  readonly #known: boolean;
  readonly #headers: RequestFields;
  #entry: Kept | null = null;
  #asked_at = 0;
  /** As RFC 9211 says why the app was asked; '' when it was not. */
  #forward = '';
  #forwardStatus = 0;
  #stores = false;

  constructor(cache: AnswerCache, matched: Matched, visitor: Visitor) {
    const { request, route, arrival, base, read } = matched;
    this.#cache = cache;
    this.#matched = matched;
    this.#headers = request.headers;
    this.#known = visitor.caller !== null;
    const path = pathBelow(read.path, base) + read.query;
    this.#place = {
      route,
      uri: `${arrival.scheme} ${arrival.authority} ${mountOf(base)} ${path}`,
      path: path.startsWith('/') ? path : `/${path}`,
      owner: ownerOf(request.headers, visitor, route.upstream_auth.kind === 'pass'),
    };
  }

  get #isRead(): boolean {
    const { method } = this.#matched.request;
    return method === 'GET' || method === 'HEAD';
  }

  plan(hasBody: boolean): Plan {
    const now = this.#cache.now();
    this.#asked_at = now;
    const headers = this.#headers;
    if (!this.#isRead) return this.#ask('method');
    if (hasBody || headers['range'] !== undefined) return this.#ask('bypass');
    const found = this.#cache.find(this.#place, this.#place.owner);
    const alike = found.filter((entry) => entry.vary_key === varyKey(entry.vary, headers));
    // One's own before everybody's, and of these the newest.
    const entry = alike.toSorted(
      (a, b) => Number(a.owner === '') - Number(b.owner === '') || b.arrived_at - a.arrived_at,
    )[0];
    const only = directivesOf(headers['cache-control'] as string | undefined).has('only-if-cached');
    if (entry === undefined)
      return only ? { kind: 'not_cached' } : this.#ask(found.length === 0 ? 'uri-miss' : 'vary-miss');
    this.#entry = entry;
    const verdict = mayServe(headers, { ...entry, age: ageOf(entry, now) });
    if (verdict === 'yes') {
      this.#cache.used(entry);
      return { kind: 'serve', entry };
    }
    return only ? { kind: 'not_cached' } : this.#ask(verdict);
  }

  /** The app gave a head. What is to be done with it: hand on (and keep, perhaps), or give what is kept. */
  answered(
    status: number,
    reason: string,
    headers: readonly string[],
    target: TargetSnapshot,
  ): { serve: Kept } | { serve: null; recording: Recording | null } {
    const { route } = this.#place;
    this.#forwardStatus = status;
    const entry = this.#entry;
    if (status === 304 && entry !== null && this.#conditional) {
      const directives = directivesOf(listOf(headers, 'cache-control'));
      const told = lifetimeOf(headers, directives, entry.owner === '');
      const lifetime = directives.has('no-cache') ? 0 : (told ?? entry.lifetime);
      this.#cache.renew(entry, headers, lifetime, this.#asked_at);
      return { serve: entry };
    }
    if (status >= 500 && this.standIn() !== null) return { serve: entry! };
    if (!this.#isRead && status >= 200 && status < 400) this.#cache.invalidate(this.#place);
    if (this.#matched.request.method !== 'GET' || this.#forward === 'bypass') return { serve: null, recording: null };
    const keeping = keepingOf({
      ...{ status, headers, request: this.#headers, known: this.#known, jar: route.persist_cookies },
      stands_in: route.cache_stale_if_error_s > 0,
    });
    // It is there no longer, or is another thing now.
    if (entry !== null && status < 500 && keeping === null) this.#cache.remove(entry);
    if (keeping === null) return { serve: null, recording: null };
    this.#stores = true;
    const { vary, lifetime, shared } = keeping;
    const place = shared ? { ...this.#place, owner: '' } : this.#place;
    const recording = this.#cache.begin(place, {
      ...{ target, status, reason, headers: [...headers], vary, lifetime },
      vary_key: varyKey(vary, this.#headers),
      asked_at: this.#asked_at,
      arrived_at: this.#cache.now(),
    });
    return { serve: null, recording };
  }

  /** What may be given although it is no longer fresh, because the app fails. */
  standIn(): Kept | null {
    const entry = this.#entry;
    if (entry === null || !this.#isRead) return null;
    const age = ageOf(entry, this.#cache.now());
    return mayStandIn(this.#headers, { ...entry, age }, this.#place.route.cache_stale_if_error_s) ? entry : null;
  }

  /** The head of what is kept: its own, or that the client has it already. */
  head(entry: Kept): { status: number; headers: string[] } {
    const unchanged = entry.status === 200 && isUnchanged(this.#headers, entry.headers);
    const headers: string[] = [];
    for (let at = 0; at < entry.headers.length; at += 2) {
      const name = entry.headers[at]!.toLowerCase();
      if (name !== 'age' && (!unchanged || ofUnchanged.has(name)))
        headers.push(entry.headers[at]!, entry.headers[at + 1]!);
    }
    headers.push('age', String(Math.floor(ageOf(entry, this.#cache.now()))));
    return { status: unchanged ? 304 : entry.status, headers };
  }

  /** For logs and figures, in a word. */
  result(served: Kept | null): string {
    if (served === null) return this.#forward === '' ? 'miss' : this.#forward.replace(/^(?:uri|vary)-/, '');
    if (this.#forward === '') return 'hit';
    return this.#forwardStatus === 304 ? 'revalidated' : 'stale';
  }

  /** The head with what this cache did said last, after what caches before it say (RFC 9211). */
  withStatus(headers: string[], served: Kept | null): string[] {
    const said: string[] = ['atrium'];
    if (this.#forward === '') said.push('hit');
    else {
      said.push(`fwd=${this.#forward}`);
      if (this.#forwardStatus !== 0 && served !== null) said.push(`fwd-status=${this.#forwardStatus}`);
      if (this.#stores && served === null) said.push('stored');
    }
    if (served !== null) {
      const left = Math.floor(served.lifetime - ageOf(served, this.#cache.now()));
      said.push(`ttl=${left}`);
      if (this.#forward !== '' && this.#forwardStatus !== 304) said.push('detail=stale-if-error');
    }
    const before = headerOf(headers, 'cache-status');
    const others: string[] = [];
    for (let at = 0; at < headers.length; at += 2)
      if (headers[at]!.toLowerCase() !== 'cache-status') others.push(headers[at]!, headers[at + 1]!);
    return [...others, 'cache-status', before === null ? said.join('; ') : `${before}, ${said.join('; ')}`];
  }

  get #conditional(): boolean {
    const { headers = [] } = this.#entry ?? {};
    return headerOf(headers, 'etag') !== null || headerOf(headers, 'last-modified') !== null;
  }

  #ask(why: string): Plan {
    this.#forward = why;
    const entry = this.#entry;
    if (entry === null || !this.#conditional) return { kind: 'ask', headers: null };
    const [tag, modified] = [headerOf(entry.headers, 'etag'), headerOf(entry.headers, 'last-modified')];
    const none = Object.fromEntries(conditions.map((name) => [name, null]));
    return {
      kind: 'ask',
      headers: {
        ...none,
        ...(tag === null ? {} : { 'if-none-match': tag }),
        ...(modified === null ? {} : { 'if-modified-since': modified }),
      },
    };
  }
}
