import { headerOf } from '../response-headers.ts';

/* What HTTP says of keeping answers (RFC 9111), as functions of heads and times. */

export type Directives = ReadonlyMap<string, string | null>;
export type RequestFields = Readonly<Record<string, string | string[] | undefined>>;

const directive = /([!#$%&'*+.^_`|~0-9a-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/gi;

/** The members of a Cache-Control; of one that is told twice the first counts. */
export const directivesOf = (value: string | null | undefined): Directives => {
  const found = new Map<string, string | null>();
  for (const [, name = '', quoted, plain] of (value ?? '').matchAll(directive)) {
    const lower = name.toLowerCase();
    if (!found.has(lower)) found.set(lower, quoted ?? plain ?? null);
  }
  return found;
};

/** Null when it is not there; what is no number counts as 0, which is the careful reading. */
export const secondsOf = (directives: Directives, name: string): number | null => {
  const text = directives.get(name);
  if (text === undefined) return null;
  return text !== null && /^\d+$/.test(text) ? Math.min(Number(text), 2 ** 31) : 0;
};

/** Several fields of one name are one list. */
export const listOf = (headers: readonly string[], name: string): string | null => {
  const values: string[] = [];
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]!.length === name.length && headers[at]!.toLowerCase() === name) values.push(headers[at + 1]!);
  return values.length === 0 ? null : values.join(', ');
};

export const dateOf = (text: string | null): number | null => {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at;
};

/** Seconds for which an answer is fresh; null when it says nothing of it. */
export const lifetimeOf = (headers: readonly string[], directives: Directives, shared: boolean): number | null => {
  const told = (shared ? secondsOf(directives, 's-maxage') : null) ?? secondsOf(directives, 'max-age');
  if (told !== null) return told;
  const expires = listOf(headers, 'expires');
  if (expires === null) return null;
  const [until, date] = [dateOf(expires), dateOf(headerOf(headers, 'date')) ?? Date.now()];
  return until === null ? 0 : Math.max(0, (until - date) / 1000);
};

/** How old it was when it came (4.2.3), in seconds. */
export const ageAtArrival = (headers: readonly string[], asked_at: number, arrived_at: number): number => {
  const date = dateOf(headerOf(headers, 'date')) ?? arrived_at;
  const told = headerOf(headers, 'age');
  const age = told !== null && /^\d+$/.test(told.trim()) ? Number(told) : 0;
  return Math.max(0, (arrived_at - date) / 1000, age + (arrived_at - asked_at) / 1000);
};

const statuses = new Set([200, 203, 300, 301, 302, 307, 308, 404, 405, 410, 414, 501]);
/** What the app is told of a client that the client did not say itself: no key for it can be made of the request. */
const toldByUs = /^(?:x-forwarded-.*|x-real-ip|x-request-id|forwarded|via)$/;
const toldOfPerson = /^(?:x-atrium-.*|remote-(?:user|email|groups|name)|x-remote-user)$/;

export interface Keeping {
  /** Of whoever asks, or of the one who asked. */
  shared: boolean;
  /** Names of the fields that it differs by. */
  vary: string[];
  /** Seconds; 0 = it has to be asked for again each time. */
  lifetime: number;
}

/** Whether and for whom an answer to GET may be kept; null = not at all. */
export const keepingOf = (answer: {
  status: number;
  headers: readonly string[];
  request: RequestFields;
  /** The one who asked is known. */
  known: boolean;
  /** Cookies of the app are put into requests here, so what a request was is not seen from outside. */
  jar: boolean;
  /** It may stand in for a failing app, although it was never fresh. */
  stands_in: boolean;
}): Keeping | null => {
  const { status, headers, request, known, jar } = answer;
  if (!statuses.has(status)) return null;
  if (directivesOf(textOf(request['cache-control'])).has('no-store')) return null;
  const directives = directivesOf(listOf(headers, 'cache-control'));
  if (directives.has('no-store') || headerOf(headers, 'set-cookie') !== null) return null;
  if (headerOf(headers, 'content-range') !== null) return null;
  if ((headerOf(headers, 'content-type') ?? '').startsWith('text/event-stream')) return null;
  const vary = (listOf(headers, 'vary') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (vary.includes('*') || vary.some((name) => toldByUs.test(name))) return null;
  const shared =
    directives.has('public') && !directives.has('private') && !vary.some((name) => toldOfPerson.test(name));
  // A stranger has no place of their own in which something private could be kept.
  if (!shared && (jar || (!known && directives.has('private')))) return null;
  const told = lifetimeOf(headers, directives, shared);
  const lifetime = directives.has('no-cache') ? 0 : (told ?? 0);
  const validator = headerOf(headers, 'etag') !== null || headerOf(headers, 'last-modified') !== null;
  if (lifetime <= 0 && !(validator && status === 200) && !(answer.stands_in && told !== null)) return null;
  return { shared, vary: [...new Set(vary)].sort(), lifetime };
};

const textOf = (value: string | string[] | undefined): string | null =>
  value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;

/** What a request says of the fields that an answer differs by. */
export const varyKey = (names: readonly string[], request: RequestFields): string =>
  names.map((name) => `${name}: ${textOf(request[name])?.replace(/\s+/g, ' ').trim() ?? ''}`).join('\n');

const weak = (tag: string): string => tag.trim().replace(/^W\//, '');

/** The client has what it asks for (RFC 9110, 13.1.2 and 13.1.3). */
export const isUnchanged = (request: RequestFields, headers: readonly string[]): boolean => {
  const tags = textOf(request['if-none-match']);
  if (tags !== null) {
    if (tags.trim() === '*') return true;
    const own = headerOf(headers, 'etag');
    return own !== null && tags.match(/(?:W\/)?"[^"]*"/g)?.some((tag) => weak(tag) === weak(own)) === true;
  }
  const since = dateOf(textOf(request['if-modified-since']));
  const modified = dateOf(headerOf(headers, 'last-modified'));
  return since !== null && modified !== null && modified <= since;
};

/** Of a request: whether an answer of this age will do without asking for it again. */
export const mayServe = (
  request: RequestFields,
  answer: { age: number; lifetime: number; directives: Directives },
): 'yes' | 'stale' | 'request' => {
  const asked = directivesOf(textOf(request['cache-control']));
  const { age, lifetime, directives } = answer;
  if (asked.has('no-cache') || (asked.size === 0 && /no-cache/i.test(textOf(request['pragma']) ?? '')))
    return 'request';
  if (directives.has('no-cache')) return 'stale';
  const most = secondsOf(asked, 'max-age');
  if (most !== null && age > most) return 'request';
  const left = lifetime - age;
  if (left > 0) return left >= (secondsOf(asked, 'min-fresh') ?? 0) ? 'yes' : 'request';
  if (!asked.has('max-stale') || directives.has('must-revalidate') || directives.has('proxy-revalidate'))
    return 'stale';
  return asked.get('max-stale') === null || -left <= (secondsOf(asked, 'max-stale') ?? 0) ? 'yes' : 'stale';
};

/** Whether it may stand in while the app fails (RFC 5861, 4), for so many seconds at least by the route's word. */
export const mayStandIn = (
  request: RequestFields,
  answer: { age: number; lifetime: number; directives: Directives },
  route_s: number,
): boolean => {
  const { age, lifetime, directives } = answer;
  if (['must-revalidate', 'proxy-revalidate', 'no-cache'].some((name) => directives.has(name))) return false;
  const asked = directivesOf(textOf(request['cache-control']));
  const within = Math.max(
    route_s,
    secondsOf(directives, 'stale-if-error') ?? 0,
    secondsOf(asked, 'stale-if-error') ?? 0,
  );
  return within > 0 && age - lifetime <= within;
};
