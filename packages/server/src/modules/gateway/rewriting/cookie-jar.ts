/** A cookie of an app that is kept here for one principal and one route. Its path is the app's own, without our base. */
export interface JarCookie {
  name: string;
  value: string;
  path: string;
  /** Null: until the person's session ends. */
  expires_at: Date | null;
}

/** What an answer does to a jar. */
export type JarChange = { kind: 'keep'; cookie: JarCookie } | { kind: 'forget'; name: string; path: string };

/** Where jars are kept; reads are answered from memory, since the data plane never waits for the database. */
export interface CookieJars {
  read(principalId: string, routeId: string): readonly JarCookie[];
  apply(principalId: string, routeId: string, changes: readonly JarChange[]): void;
}

export interface SetCookie {
  name: string;
  value: string;
  attributes: readonly { name: string; value: string | null; text: string }[];
}

/** As browsers read it, nameless cookies included: those are sent back as their bare value. */
export const parseSetCookie = (line: string): SetCookie => {
  const [pair, ...rest] = line.split(';');
  const equals = pair!.indexOf('=');
  return {
    name: equals === -1 ? '' : pair!.slice(0, equals).trim(),
    value: pair!.slice(equals + 1).trim(),
    attributes: rest.map((text) => {
      const sign = text.indexOf('=');
      return {
        name: (sign === -1 ? text : text.slice(0, sign)).trim().toLowerCase(),
        value: sign === -1 ? null : text.slice(sign + 1).trim(),
        text,
      };
    }),
  };
};

/** The last one counts. */
export const attributeOf = (cookie: SetCookie, name: string): string | null | undefined =>
  cookie.attributes.findLast((attribute) => attribute.name === name)?.value;

/** RFC 6265, 5.1.4 */
export const defaultPath = (path: string): string => {
  const last = path.lastIndexOf('/');
  return last <= 0 ? '/' : path.slice(0, last);
};
const pathMatches = (path: string, cookiePath: string): boolean =>
  path === cookiePath || (path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/'));

/** Above it, a browser would not keep the cookie either. */
const largest = 4096;
export const jarLimit = 50;

export const changeOfJar = (cookie: SetCookie, path: string, now: Date): JarChange | null => {
  if (cookie.name === '' || cookie.name.length + cookie.value.length > largest) return null;
  const asked = attributeOf(cookie, 'path');
  const cookiePath = typeof asked === 'string' && asked.startsWith('/') ? asked : defaultPath(path);
  const age = attributeOf(cookie, 'max-age');
  const expires = attributeOf(cookie, 'expires');
  let at: Date | null = null;
  if (typeof age === 'string' && /^-?\d+$/.test(age)) {
    // Browsers keep nothing for longer than 400 days.
    at = new Date(now.getTime() + Math.min(Number(age), 400 * 86_400) * 1000);
  } else if (typeof expires === 'string' && !Number.isNaN(Date.parse(expires))) at = new Date(expires);
  if (at !== null && at <= now) return { kind: 'forget', name: cookie.name, path: cookiePath };
  return { kind: 'keep', cookie: { name: cookie.name, value: cookie.value, path: cookiePath, expires_at: at } };
};

/** The jar after an answer; the oldest leave when it is full. */
export const applyToJar = (jar: readonly JarCookie[], changes: readonly JarChange[]): JarCookie[] => {
  let next = [...jar];
  for (const change of changes) {
    const { name, path } = change.kind === 'keep' ? change.cookie : change;
    next = next.filter((cookie) => cookie.name !== name || cookie.path !== path);
    if (change.kind === 'keep') next.push(change.cookie);
  }
  return next.slice(-jarLimit);
};

/** The Cookie header for the app: what the browser sent wins over the jar, longer paths come first. */
export const mergeCookies = (
  sent: string | undefined,
  jar: readonly JarCookie[],
  path: string,
  now: Date,
): string | undefined => {
  const present = new Set((sent ?? '').split(';').map((pair) => pair.split('=')[0]!.trim()));
  const kept = jar
    .filter((cookie) => cookie.expires_at === null || cookie.expires_at > now)
    .filter((cookie) => pathMatches(path, cookie.path) && !present.has(cookie.name))
    .toSorted((one, other) => other.path.length - one.path.length)
    .map((cookie) => `${cookie.name}=${cookie.value}`);
  const all = [...(sent === undefined || sent.trim() === '' ? [] : [sent]), ...kept];
  return all.length === 0 ? undefined : all.join('; ');
};
