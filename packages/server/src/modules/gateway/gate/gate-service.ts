import { createHash } from 'node:crypto';
import type { AppError } from '../../../platform/errors/app-error.ts';
import { readCookie } from '../../../platform/http/credentials.ts';
import { appErrorOf } from '../../../platform/http/problem.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import { accessTo, personBehind } from '../access-policy.ts';
import { type Gate, type GateRequest, hiddenApp, type Verdict, type Visitor } from '../gate.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import type { GateParts } from './gate-parts.ts';
import { hostCookies } from './header-rules.ts';
import { IdentityHeaders } from './identity-headers.ts';
import {
  gateCookie,
  isBlindConnection,
  isNavigation,
  isPreflight,
  mayUseCookie,
  originOfRequest,
  type Presented,
  readPresented,
  shareCookieName,
} from './presented-credential.ts';
import { createShareEntry, type ShareEntry } from './share-entry-service.ts';
import { TokenHashes } from './token-hashes.ts';
import { type Entry, type Principal, VisitorBook } from './visitor-book.ts';
import { visitsStore } from './visits-store.ts';

type Refusal = Extract<Verdict, { kind: 'refuse' }>;

const noWatch = (): (() => void) => () => {};
const nobody: Visitor = Object.freeze({ caller: null, share_id: null, identity_headers: [], watch: noWatch });
/** A preflight carries no credential and gets no content. */
const open: Verdict = Object.freeze({ kind: 'allow', visitor: nobody });
/** Word for word what a path answers where there is nothing. */
const unknownApp: Refusal = Object.freeze({
  kind: 'refuse',
  status: 404,
  code: 'not_found',
  detail: hiddenApp,
});

export const shareParameter = 'atrium_share';
export const gatePath = '/.well-known/atrium-gate';
const browserTtlMs = 60 * 60_000;
const browserForm = /^[A-Za-z0-9_-]{43}$/;
/** It is wrapped twice on the way to signing in, which takes paths of 2,000 characters. */
const fitsReturn = (path: string): boolean => encodeURIComponent(encodeURIComponent(path)).length <= 1600;

export const browserHash = (browser: string): string => createHash('sha256').update(browser).digest('base64url');

/** The gate with what its pages and other doors use. */
export interface GateService extends Gate {
  shares: ShareEntry;
  book: VisitorBook;
}

const proofOf = (request: GateRequest, scheme: 'bearer' | 'dpop', origin: string) => {
  const dpop = request.headers['dpop'];
  return {
    scheme,
    dpop: typeof dpop === 'string' && dpop.length <= 8192 ? dpop : null,
    method: request.method,
    url: `${originOfRequest(request, origin)}${request.url.split('?', 1)[0]!}`,
    // The gate sees no certificates, so a token bound to one opens no app.
    certificate: null,
  };
};

/** Value of one parameter of a query, and the address without it; null when it is not there. */
const withoutParameter = (url: string, name: string): { value: string; rest: string } | null => {
  const at = url.indexOf('?');
  if (at === -1 || !url.includes(name, at)) return null;
  const pairs = url.slice(at + 1).split('&');
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  if (found === undefined) return null;
  const rest = pairs.filter((pair) => !pair.startsWith(`${name}=`)).join('&');
  return { value: found.slice(name.length + 1), rest: url.slice(0, at) + (rest === '' ? '' : `?${rest}`) };
};

/** A path that stays where it is: `//host` and `/\host` would lead elsewhere. */
export const isOwnPath = (path: string): boolean => /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path);

export const createGate = (parts: GateParts): GateService => {
  const { database, clock, identity, oauth, snapshots, public_url: origin } = parts;
  const db = database.read;
  const shares = createShareEntry(parts);
  const book = new VisitorBook({
    ...{ clock, snapshots, stale_ms: parts.stale_verdict_ms, onError: parts.onError },
    mayOpen: (who, route) => {
      if (who.kind === 'principal') return accessOf(who.principal, route).kind === 'allowed';
      return route.access === 'public' || (who.kind === 'guest' && who.guest.route_id === route.id);
    },
  });
  identity.onChanged((fact) => book.changed(fact));
  oauth.onTokenEnded(() => book.tokenEnded());

  const accessOf = ({ caller, facts }: Principal, route: RouteSnapshot) =>
    accessTo(
      route,
      caller,
      facts.teams.map(({ id }) => id),
    );

  const principalOf = async (caller: Caller): Promise<Principal> => ({
    caller,
    facts:
      caller.kind === 'user' || caller.kind === 'device'
        ? await identity.subjects.personFacts(db, caller.org_id, personBehind(caller))
        : { email: null, teams: [] },
  });

  /** An entry for somebody, which finds out by itself whether they are still who they were. */
  const entryOf = async (caller: Caller): Promise<Pick<Entry, 'who' | 'look'>> => {
    let current = caller;
    return {
      who: { kind: 'principal', principal: await principalOf(caller) },
      look: async () => {
        const now = await oauth.refresh(current);
        if (now === null) return null;
        current = now;
        return { kind: 'principal', principal: await principalOf(now) };
      },
    };
  };

  /* ---------- answers ---------- */

  const challenge = (route: RouteSnapshot, hadCredential: boolean): [string, string] => [
    'www-authenticate',
    `Bearer resource_metadata="${origin()}/.well-known/oauth-protected-resource/apps/${route.app.slug}"${hadCredential ? ', error="invalid_token"' : ''}`,
  ];

  const unauthorized = (route: RouteSnapshot, detail: string, hadCredential: boolean): Refusal => ({
    kind: 'refuse',
    status: 401,
    code: 'unauthorized',
    detail,
    headers: [challenge(route, hadCredential)],
  });

  const refusalOf = (error: AppError, route: RouteSnapshot): Refusal => {
    if (error.status === 401) return unauthorized(route, error.message, true);
    if (error.code === 'not_ready')
      return {
        ...{ kind: 'refuse', status: 503, code: 'not_ready' },
        detail: 'Who you are cannot be told at the moment; try again.',
        headers: [['retry-after', '5']],
      };
    throw error;
  };

  const csrfRefusal: Refusal = {
    ...{ kind: 'refuse', status: 403, code: 'csrf_rejected' },
    detail: 'The request came from a page of another site; the cookie does not count there.',
  };

  /** The secret of the browser that goes to sign in, so that nobody else's browser can come back for it. */
  const browserOf = (request: GateRequest): { browser: string; cookie: [string, string] | null } => {
    const name = hostCookies.browser[request.scheme];
    const known = readCookie(request.headers.cookie, name);
    if (known !== null && browserForm.test(known)) return { browser: known, cookie: null };
    const browser = newToken();
    const expires = new Date(clock.now().getTime() + browserTtlMs);
    return { browser, cookie: ['set-cookie', gateCookie(name, browser, expires, request.scheme)] };
  };

  /** Sends a browser to a page of the own origin, which sends it back to where it is now. */
  const sendTo = (request: GateRequest, page: string, back: string, more: Record<string, string> = {}): Verdict => {
    const path = fitsReturn(back) ? back : '/';
    if (request.host === '') {
      const query = new URLSearchParams({ to: path, ...more });
      return { kind: 'redirect', status: 303, location: `${page}?${query}` };
    }
    const { browser, cookie } = browserOf(request);
    const to = `${originOfRequest(request, origin())}${path}`;
    const query = new URLSearchParams({ to, browser: browserHash(browser), ...more });
    const location = `${origin()}${page}?${query}`;
    return { kind: 'redirect', status: 303, location, ...(cookie === null ? {} : { set_headers: [cookie] }) };
  };

  const stranger = (request: GateRequest, route: RouteSnapshot): Verdict => {
    if (!isNavigation(request))
      return unauthorized(route, 'Sign in, or send a credential as `Authorization: Bearer TOKEN`.', false);
    if (request.host !== '') return sendTo(request, '/auth/gate', request.url);
    const back = fitsReturn(request.url) && isOwnPath(request.url) ? request.url : '/';
    return { kind: 'redirect', status: 303, location: `/login?${new URLSearchParams({ return_to: back })}` };
  };

  /* ---------- decisions ---------- */

  const visitorOf = (entry: Entry, principal: Principal, route: RouteSnapshot): Visitor => {
    const headers = new IdentityHeaders(
      { now: () => clock.now(), origin, sign: oauth.sign, remote_user: parts.remote_user },
      principal,
      route.app.slug,
    );
    return {
      caller: principal.caller,
      share_id: null,
      get identity_headers() {
        return headers.get();
      },
      watch: (end) => book.watch(entry, route.id, end),
    };
  };

  const judgeAnew = (entry: Entry, principal: Principal, route: RouteSnapshot): Verdict => {
    const access = accessOf(principal, route);
    switch (access.kind) {
      case 'allowed':
        return { kind: 'allow', visitor: visitorOf(entry, principal, route) };
      case 'hidden':
        return unknownApp;
      case 'lacks_scope':
        return {
          ...{ kind: 'refuse', status: 403, code: 'insufficient_scope', required: access.required },
          detail: `The token lacks the scope ${access.required}.`,
        };
      default:
        return access satisfies never;
    }
  };

  const openRoutes = new WeakMap<RouteSnapshot, Verdict>();
  /** Identity is not asked for; limits and filters still are. */
  const openTo = (route: RouteSnapshot): Verdict => {
    const known = openRoutes.get(route);
    if (known !== undefined) return known;
    const visitor = { ...nobody, watch: (end: (reason: string) => void) => book.watchOpen(route.id, end) };
    const made: Verdict = { kind: 'allow', visitor };
    openRoutes.set(route, made);
    return made;
  };

  const judge = (entry: Entry, route: RouteSnapshot): Verdict => {
    const known = entry.verdicts.get(route);
    if (known !== undefined) return known;
    const { who } = entry;
    const verdict: Verdict =
      who.kind === 'principal'
        ? judgeAnew(entry, who.principal, route)
        : who.kind === 'guest' && who.guest.route_id === route.id
          ? {
              kind: 'allow',
              visitor: {
                ...nobody,
                share_id: who.guest.share_id,
                watch: (end) => book.watch(entry, route.id, end),
              },
            }
          : unknownApp;
    entry.verdicts.set(route, verdict);
    return verdict;
  };

  const resolve = async (
    presented: Exclude<Presented, { kind: 'none' }>,
    request: GateRequest,
    route: RouteSnapshot,
  ): Promise<Caller | null> => {
    switch (presented.kind) {
      case 'token':
        return identity.resolve(presented.token, {
          via: 'bearer',
          resource: `${origin()}/apps/${route.app.slug}`,
          proof: proofOf(request, presented.scheme, origin()),
        });
      case 'session': {
        const caller = await identity.resolve(presented.token, { via: 'cookie' });
        return caller?.credential.kind === 'session' ? caller : null;
      }
      case 'visit': {
        const visit = await visitsStore.findPerson(db, hashToken(presented.token), request.host, clock.now());
        return visit?.session_id == null ? null : identity.callerOfSession(visit.session_id);
      }
      default:
        return presented satisfies never;
    }
  };

  const hashes = new TokenHashes();
  /** A token is looked up for each app apart, because it may be meant for one of them alone. */
  const keyOf = (presented: Exclude<Presented, { kind: 'none' }>, request: GateRequest, route: RouteSnapshot): string =>
    `${presented.kind}:${presented.kind === 'visit' ? request.host : presented.kind === 'token' ? route.app.slug : ''}:${hashes.of(request.fields, presented.token)}`;

  const lookUp = async (
    presented: Exclude<Presented, { kind: 'none' }>,
    request: GateRequest,
    route: RouteSnapshot,
  ): Promise<Entry | null> => {
    const { generation } = book;
    const caller = await resolve(presented, request, route);
    if (caller === null) return null;
    const found = await entryOf(caller);
    // A proof is good for one request, so a token that needs one is looked at each time.
    const isBound = presented.kind === 'token' && presented.scheme === 'dpop';
    return book.put(isBound ? null : keyOf(presented, request, route), found, generation);
  };

  /** A browser that came in by a share link. */
  const guestOf = async (request: GateRequest, route: RouteSnapshot): Promise<Entry | null> => {
    const cookie = readCookie(request.headers.cookie, shareCookieName(route.id, request));
    if (cookie === null || !mayUseCookie(request, origin())) return null;
    const key = `share:${route.id}:${hashToken(cookie)}`;
    const known = await book.find(key);
    if (known !== null) return known;
    const { generation } = book;
    const look = async (): Promise<Entry['who'] | null> => {
      const visit = await visitsStore.findShare(db, hashToken(cookie), route.id, clock.now());
      if (visit?.share_id == null) return null;
      return { kind: 'guest', guest: { share_id: visit.share_id, route_id: route.id, ends_at: visit.ends_at } };
    };
    const who = await look();
    return who === null ? null : book.put(key, { who, look }, generation);
  };

  const badToken = async (request: GateRequest, route: RouteSnapshot): Promise<Verdict> => {
    if (await parts.guess(request.address))
      return unauthorized(route, 'The credential is unknown, expired or revoked.', true);
    return {
      ...{ kind: 'refuse', status: 429, code: 'rate_limited', detail: 'Too many bad credentials; wait a minute.' },
      headers: [['retry-after', '60']],
    };
  };

  /** What the person or token may do; where that is nothing, what a share link of the browser may. */
  const decideFor = async (
    presented: Presented,
    found: Entry | null,
    request: GateRequest,
    route: RouteSnapshot,
  ): Promise<Verdict> => {
    const entry = found ?? (presented.kind === 'none' ? null : await lookUp(presented, request, route));
    if (entry === null && presented.kind === 'token') return badToken(request, route);
    const verdict = entry === null ? null : judge(entry, route);
    if (verdict?.kind === 'allow') return verdict;
    const guest = presented.kind === 'token' ? null : await guestOf(request, route);
    if (guest !== null) return judge(guest, route);
    return verdict ?? stranger(request, route);
  };

  /** A link that opens the route: leaves a cookie and the address without its token. */
  const enterByShare = async (
    share: { value: string; rest: string },
    presented: Presented,
    request: GateRequest,
    route: RouteSnapshot,
  ): Promise<Verdict> => {
    const already = await decideFor(presented, null, request, route);
    if (already.kind === 'allow') return { kind: 'redirect', status: 303, location: share.rest };
    if (presented.kind === 'token') return already;
    const row = await shares.find(share.value, route.id);
    if (row === null) return (await parts.guess(request.address)) ? unknownApp : tooMany;
    if (row.kind !== 'link') return sendTo(request, '/auth/share', share.rest, { share: share.value });
    const { host, request_id, address, scheme } = request;
    const opened = await shares.open(row, { host, request_id, address });
    if (opened === null) return unknownApp;
    const cookie = gateCookie(shareCookieName(route.id, request), opened.cookie, opened.ends_at, scheme);
    return { kind: 'redirect', status: 303, location: share.rest, set_headers: [['set-cookie', cookie]] };
  };

  const tooMany: Refusal = {
    ...{ kind: 'refuse', status: 429, code: 'rate_limited', detail: 'Too many attempts; wait a minute.' },
    headers: [['retry-after', '60']],
  };

  const guarded = async (act: () => Promise<Verdict>, route: RouteSnapshot): Promise<Verdict> => {
    try {
      return await act();
    } catch (error) {
      return refusalOf(appErrorOf(error), route);
    }
  };

  const decide = (request: GateRequest, route: RouteSnapshot): Verdict | Promise<Verdict> => {
    let presented: Presented;
    try {
      presented = route.access === 'public' ? { kind: 'none' } : readPresented(request, route, origin());
    } catch (error) {
      return refusalOf(appErrorOf(error), route);
    }
    // Pages of the app could call the API with the cookie there, and nothing would tell them from the dashboard.
    if (request.host === '' && !route.trusted && presented.kind !== 'token' && isBlindConnection(request))
      return {
        ...{ kind: 'refuse', status: 403, code: 'gateway_untrusted_path' },
        detail:
          'This app runs at the origin of the dashboard, and the connection is not encrypted. Use HTTPS, give the app a host name of its own, or let an operator trust it.',
      };
    if (route.access === 'public') return openTo(route);
    if (isPreflight(request) && route.filters.some(({ kind }) => kind === 'cors_preflight')) return open;
    if ((presented.kind === 'session' || presented.kind === 'visit') && !mayUseCookie(request, origin()))
      return csrfRefusal;
    const share = request.method === 'GET' && !request.upgrade ? withoutParameter(request.url, shareParameter) : null;
    if (share !== null) return guarded(() => enterByShare(share, presented, request, route), route);
    if (presented.kind === 'none') {
      const cookie = readCookie(request.headers.cookie, shareCookieName(route.id, request));
      return cookie === null
        ? stranger(request, route)
        : guarded(() => decideFor(presented, null, request, route), route);
    }
    const found =
      presented.kind === 'token' && presented.scheme === 'dpop' ? null : book.find(keyOf(presented, request, route));
    if (found !== null && !(found instanceof Promise)) {
      const verdict = judge(found, route);
      // A share link may open what the person may not.
      if (verdict.kind === 'allow' || presented.kind === 'token') return verdict;
    }
    return guarded(async () => decideFor(presented, await found, request, route), route);
  };

  /** Turns the code that the own origin gave into a cookie of this host, where the browser left from. */
  const arrive = async (request: GateRequest): Promise<Verdict> => {
    const query = new URLSearchParams(request.url.slice(gatePath.length + 1));
    const [code, to] = [query.get('code') ?? '', query.get('to') ?? '/'];
    const browser = readCookie(request.headers.cookie, hostCookies.browser[request.scheme]);
    const cookie = newToken();
    const visit =
      browser === null || !browserForm.test(code)
        ? null
        : await visitsStore.claim(db, {
            ...{ code_hash: hashToken(code), host: request.host, browser_hash: browserHash(browser) },
            ...{ cookie_hash: hashToken(cookie), now: clock.now() },
          });
    if (visit === null)
      return {
        ...{ kind: 'refuse', status: 400, code: 'bad_request' },
        detail: 'This sign-in was used already, took too long, or began in another browser. Open the app again.',
      };
    const name = visit.route_id === null ? hostCookies.visit[request.scheme] : shareCookieName(visit.route_id, request);
    return {
      kind: 'redirect',
      status: 303,
      location: isOwnPath(to) ? to : '/',
      set_headers: [
        ['set-cookie', gateCookie(name, cookie, visit.ends_at, request.scheme)],
        ['cache-control', 'no-store'],
      ],
    };
  };

  return {
    decide,
    own: (request, route) => {
      if (request.host === '' || request.url.split('?', 1)[0] !== gatePath) return null;
      if (request.method !== 'GET') return Promise.resolve(unknownApp);
      return guarded(() => arrive(request), route);
    },
    shares,
    book,
  };
};
