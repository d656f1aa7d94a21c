import type { Call } from '../../src/platform/operations/call.ts';

export interface CookieJar {
  cookies: NonNullable<Call['cookies']>;
  /** Cookies by name; the session's is `session`. */
  held: Map<string, string>;
  kept: [string, Date][];
}

/** A browser's cookies, for calls that are made without a browser. */
export const cookieJar = (): CookieJar => {
  const held = new Map<string, string>();
  const kept: [string, Date][] = [];
  return {
    held,
    kept,
    cookies: {
      set: (token, expires) => {
        held.set('session', token);
        kept.push([token, expires]);
      },
      clear: () => void held.delete('session'),
      read: (name) => held.get(name) ?? null,
      keep: (name, value) => void held.set(name, value),
    },
  };
};
