/* What of a head is Atrium's own and never passes between a client and an app. For every lane and mode. */

/** Cookies of hosts: with the prefix that browsers tie to one host over TLS, without it on plain HTTP. */
export const hostCookies = {
  visit: { https: '__Host-atrium_app', http: 'atrium_app' },
  browser: { https: '__Host-atrium_browser', http: 'atrium_browser' },
} as const;

const identityNames: ReadonlySet<string> = new Set([
  'remote-user',
  'remote-email',
  'remote-groups',
  'remote-name',
  'x-remote-user',
]);

/** Headers by which an app learns who asks. An app server may read `X_Atrium_User` as the same, hence both spellings. */
export const isIdentityHeader = (name: string): boolean => {
  const plain = name.toLowerCase().replaceAll('_', '-');
  return plain.startsWith('x-atrium-') || identityNames.has(plain);
};

const ownCookieName = /^(?:__host-|__secure-)?atrium/i;
const isOwnCookie = (name: string): boolean => ownCookieName.test(name.trim());

/** A Cookie header without Atrium's own; null when nothing is left. */
export const withoutOwnCookies = (header: string): string | null => {
  if (!/atrium/i.test(header)) return header;
  const kept = header.split(';').filter((pair) => pair.trim() !== '' && !isOwnCookie(pair.split('=', 1)[0]!));
  return kept.length === 0 ? null : kept.map((pair) => pair.trim()).join('; ');
};

const ownTokenForm = /^(?:ats_|atk_|att_|acs_)[A-Za-z0-9_-]{43}$/;
const jwtForm = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

const issuerOf = (payload: string): unknown => {
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss?: unknown } | null)?.iss;
  } catch {
    return null;
  }
};

/**
 * Whether a token is one of Atrium's, by its form: none of these is ever an app's business. Opaque access tokens have
 * no mark, so everything of their form counts as one.
 */
export const isOwnToken = (token: string, origin: string): boolean => {
  if (ownTokenForm.test(token) || /^[A-Za-z0-9_-]{43}$/.test(token)) return true;
  const payload = jwtForm.exec(token)?.[1];
  return payload !== undefined && issuerOf(payload) === origin;
};

export const isApiKey = (value: string): boolean => /^atk_[A-Za-z0-9_-]{43}$/.test(value);

/** Whether an Authorization header carries a token of Atrium. */
export const carriesOwnToken = (authorization: string, origin: string): boolean =>
  isOwnToken(/^(?:Bearer|DPoP) +(\S+) *$/i.exec(authorization)?.[1] ?? '', origin);

/**
 * A cookie that an app sets: its name, or a domain that reaches the dashboard, may make it none of the app's. '' as host
 * of the dashboard: the app lives at its origin, where the Domain of a cookie is rewritten.
 */
export const mayBeSet = (line: string, dashboardHost: string): boolean => {
  const [pair = '', ...attributes] = line.split(';');
  if (isOwnCookie(pair.split('=', 1)[0]!)) return false;
  const domain = attributes
    .map((one) => /^\s*domain\s*=\s*\.?([^\s]*)\s*$/i.exec(one)?.[1]?.toLowerCase())
    .findLast((one) => one !== undefined);
  if (domain === undefined || domain === '') return true;
  return dashboardHost !== domain && !dashboardHost.endsWith(`.${domain}`);
};
