import type { AddressMap } from './address-map.ts';
import { rewriteRefresh } from './attribute-values.ts';
import { type Insertions, type PolicyChange, rewritePolicy } from './content-policy.ts';
import { attributeOf, changeOfJar, defaultPath, type JarChange, parseSetCookie } from './cookie-jar.ts';

export interface HeadOptions {
  map: AddressMap;
  /** `path`: the app shares the origin of the dashboard and of other apps. */
  mode: 'path' | 'host';
  /** Path that the app was asked for, without query. */
  path: string;
  rewrite_cookie_paths: boolean;
  strip_response_cookies: boolean;
  /** Keep every cookie here as well. */
  persist_cookies: boolean;
  /** There is somebody to keep cookies for. */
  has_jar: boolean;
  now: Date;
  /** What the page will hold of ours; null when it holds nothing. */
  insertions: Insertions | null;
  /** The body will not be what the app sent: its length, digests and ranges no longer hold. */
  changes_body: boolean;
}

export interface RewrittenHead {
  headers: string[];
  jar: JarChange[];
  /** How our tags prove themselves to the app's policy. */
  policy: { nonce: string | null; hashed: boolean; pins_text: boolean };
}

/** They act on the whole origin, which a path app shares with everything else of ours. */
const originWide = new Set([
  'service-worker-allowed',
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  'public-key-pins',
  'nel',
  'report-to',
  'set-login',
]);
const ofBytes = new Set(['content-length', 'accept-ranges', 'content-md5', 'digest', 'content-digest', 'repr-digest']);
const addresses = new Set(['location', 'content-location', 'sourcemap', 'x-sourcemap']);
const policies = new Set(['content-security-policy', 'content-security-policy-report-only']);

const touched = new Set(['set-cookie', 'set-cookie2', 'refresh', 'link', ...addresses, ...policies]);

type Concern = 'no' | 'path mode' | 'always';
/** Spellings of names seen so far: to look them up in every list costs more than to read them. */
const concerns = new Map<string, Concern>();

const concernOf = (name: string): Concern => {
  const known = concerns.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const concern = touched.has(lower) ? 'always' : originWide.has(lower) ? 'path mode' : 'no';
  if (concerns.size < 2000) concerns.set(name, concern);
  return concern;
};

/** True when `rewriteHead` changes none of these, as long as the body stays as it is. */
export const leavesHead = (raw: readonly string[], mode: HeadOptions['mode']): boolean => {
  for (let index = 0; index < raw.length; index += 2) {
    const concern = concernOf(raw[index]!);
    if (concern === 'always' || (mode === 'path' && concern === 'path mode')) return false;
  }
  return true;
};

/** Targets stand in angle brackets; what is quoted is no target. */
const rewriteLink = (value: string, map: AddressMap): string =>
  value.replace(/"(?:[^"\\]|\\[\s\S])*"|<([^<>]*)>/g, (all, address: string | undefined) =>
    address === undefined ? all : `<${map.header(address)}>`,
  );

/** Cookies of ours. A nameless cookie is sent back as its bare value, which then reads as name and value. */
const isOurs = (name: string, value: string): boolean => /^(?:atrium_|__host-atrium)/i.test(name === '' ? value : name);

const cookiePath = (path: string, map: AddressMap): string => {
  if (map.prefix === '' || map.inside(path)) return path;
  return path === '/' ? map.base : map.path(path);
};

type CookieFate = { send: string | null; jar: JarChange | null };

export const rewriteSetCookie = (line: string, options: HeadOptions): CookieFate => {
  const { map, mode } = options;
  const cookie = parseSetCookie(line);
  if (isOurs(cookie.name, cookie.value)) return { send: null, jar: null };
  const hostOnly = /^__host-/i.test(cookie.name === '' ? cookie.value : cookie.name);
  const change = options.has_jar ? changeOfJar(cookie, options.path, options.now) : null;
  // Such a cookie must have the path '/', which at the shared origin is everybody's.
  if (hostOnly && mode === 'path') return { send: null, jar: change };
  const jar = options.persist_cookies ? change : null;
  if (options.strip_response_cookies) return { send: null, jar };
  // Kept here, and no script of the app can see it: the browser needs no copy.
  if (jar !== null && cookie.attributes.some((attribute) => attribute.name === 'httponly')) return { send: null, jar };
  const moves = mode === 'path' && options.rewrite_cookie_paths;
  const asked = attributeOf(cookie, 'path');
  const path = typeof asked === 'string' && asked.startsWith('/') ? asked : null;
  const ownDomain = map.host.toLowerCase().replace(/:\d+$/, '');
  const kept = cookie.attributes.filter(({ name, value }) => {
    if (name === 'path') return !moves;
    // Without it the cookie stays with this very host: an internal name would be refused, a wider one reach others.
    return name !== 'domain' || (mode === 'host' && value?.toLowerCase().replace(/^\./, '') === ownDomain);
  });
  const pair = line.split(';')[0]!;
  const to = moves ? `; Path=${cookiePath(path ?? defaultPath(options.path), map)}` : '';
  return { send: [pair, ...kept.map((attribute) => attribute.text)].join(';') + to, jar };
};

const weakened = (tag: string): string => (/^\s*W\//.test(tag) ? tag : `W/${tag.trim()}`);

/** Raw header arrays (name, value, name, value) in and out, in the order of the app. */
export const rewriteHead = (raw: readonly string[], options: HeadOptions): RewrittenHead => {
  const { map, mode } = options;
  const headers: string[] = [];
  const jar: JarChange[] = [];
  let policy: PolicyChange | null = null;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    if (!options.changes_body && concernOf(name) === 'no') {
      headers.push(name, value);
      continue;
    }
    const lower = name.toLowerCase();
    if (mode === 'path' && originWide.has(lower)) continue;
    if (options.changes_body && ofBytes.has(lower)) continue;
    if (lower === 'set-cookie2') continue;
    if (lower === 'set-cookie') {
      const fate = rewriteSetCookie(value, options);
      if (fate.jar !== null) jar.push(fate.jar);
      if (fate.send !== null) headers.push(name, fate.send);
    } else if (addresses.has(lower)) headers.push(name, map.header(value));
    else if (lower === 'refresh') headers.push(name, rewriteRefresh(value, map.header));
    else if (lower === 'link') headers.push(name, rewriteLink(value, map));
    else if (policies.has(lower)) {
      const enforces = lower === 'content-security-policy';
      const changed: PolicyChange = rewritePolicy(
        value,
        map,
        // Also of a policy that only reports: its owner should not read of us.
        options.insertions,
        enforces ? policy : null,
      );
      if (enforces) policy = changed;
      headers.push(name, changed.value);
    } else headers.push(name, lower === 'etag' && options.changes_body ? weakened(value) : value);
  }
  return {
    headers,
    jar,
    policy: {
      nonce: policy?.nonce ?? null,
      hashed: policy?.hashed ?? false,
      pins_text: policy?.pins_text ?? false,
    },
  };
};
