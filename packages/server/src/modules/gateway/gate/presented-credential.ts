import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../../platform/errors/app-error.ts';
import { isSameOrigin, readCookie, sessionCookie } from '../../../platform/http/credentials.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { GateRequest } from '../gate.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import { hostCookies, isApiKey, isOwnToken } from './header-rules.ts';

/** What a request brings along, before anybody has looked whether it is good. */
export type Presented =
  | { kind: 'none' }
  /** A bearer token or key: good, or the request is refused. */
  | { kind: 'token'; token: string; scheme: 'bearer' | 'dpop' }
  /** The session of the own origin, or what stands for it on a host. A dead one is none. */
  | { kind: 'session'; token: string }
  | { kind: 'visit'; token: string };

const authorizationForm = /^(Bearer|DPoP) +([A-Za-z0-9\-._~+/]+=*) *$/i;
const longestToken = 8192;

const badHeader = (): AppError =>
  new AppError('unauthorized', 'The Authorization header is not of the form `Bearer TOKEN`.');

/** An app that takes its own Authorization header gets it; the gate looks at tokens of Atrium alone there. */
const readAuthorization = (value: string, route: RouteSnapshot, origin: string): Presented | null => {
  const match = value.length > longestToken ? null : authorizationForm.exec(value);
  const isFilters = /^basic /i.test(value) && route.filters.some(({ kind }) => kind === 'basic_auth');
  if (isFilters) return null;
  const passes = route.upstream_auth.kind === 'pass';
  if (match === null) {
    if (passes) return null;
    throw badHeader();
  }
  const token = match[2]!;
  if (passes && !isOwnToken(token, origin)) return null;
  return { kind: 'token', token, scheme: match[1]!.toLowerCase() as 'bearer' | 'dpop' };
};

/** An Authorization header counts alone, then a key, then a cookie: what is bad is never rescued by what comes after it. */
export const readPresented = (request: GateRequest, route: RouteSnapshot, origin: string): Presented => {
  const { headers } = request;
  if (headers.authorization !== undefined) {
    const found = readAuthorization(headers.authorization, route, origin);
    if (found !== null) return found;
  }
  const key = headers['x-api-key'];
  // Many apps have a header of that name for keys of their own, which are none of ours.
  if (typeof key === 'string' && isApiKey(key)) return { kind: 'token', token: key, scheme: 'bearer' };
  if (request.host === '') {
    const token = readCookie(headers.cookie, sessionCookie);
    return token === null ? { kind: 'none' } : { kind: 'session', token };
  }
  const token = readCookie(headers.cookie, hostCookies.visit[request.scheme]);
  return token === null ? { kind: 'none' } : { kind: 'visit', token };
};

/** Origin of the route as the browser knows it. */
export const originOfRequest = (request: GateRequest, own: string): string =>
  request.host === '' ? own : `${request.scheme}://${request.headers.host ?? request.host}`;

/** A browser that goes to a page, and can be sent elsewhere first. */
export const isNavigation = ({ method, headers, upgrade }: GateRequest): boolean => {
  if (upgrade || (method !== 'GET' && method !== 'HEAD')) return false;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  return /\btext\/html\b/i.test(headers.accept ?? '');
};

export const isPreflight = ({ method, headers }: GateRequest): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A cookie comes along by itself, so what it opens must be asked for by a page of the same origin. Links from elsewhere
 * lead in; anything else from elsewhere does not. Sockets always say where they come from.
 */
export const mayUseCookie = (request: GateRequest, own: string): boolean => {
  const { headers, method, upgrade } = request;
  const origin = originOfRequest(request, own);
  if (upgrade) return headers.origin !== undefined && isSameOrigin(withoutSite(headers), origin);
  if (isSameOrigin(headers, origin)) return true;
  return safeMethods.has(method) && isNavigation(request);
};

/** Of sockets `Origin` alone tells the page; `Sec-Fetch-Site` is not sent by every browser. */
const withoutSite = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const { 'sec-fetch-site': _site, ...rest } = headers;
  return rest;
};

/** Name of the cookie that a share link leaves: one for each route, so that several can be open at once. */
export const shareCookieName = (routeId: string, request: Pick<GateRequest, 'host' | 'scheme'>): string => {
  const name = `atrium_share_${hashToken(routeId).slice(0, 16)}`;
  return request.host !== '' && request.scheme === 'https' ? `__Host-${name}` : name;
};

/** A Set-Cookie value for where the request came in. */
export const gateCookie = (name: string, value: string, expires: Date, scheme: 'http' | 'https'): string =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Expires=${expires.toUTCString()}${scheme === 'https' ? '; Secure' : ''}`;

const loopbackName = /^(?:localhost|[^.]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Where browsers send no `Sec-Fetch-*`: not encrypted, and not this very machine. */
export const isBlindConnection = ({ scheme, headers }: GateRequest): boolean =>
  scheme === 'http' && !loopbackName.test(headers.host ?? '');
