import type { OAuth, OAuthOptions, OAuthSession } from './oauth-options.ts';
import { memoryStore, type TokenStore } from './token-store.ts';

/** The protocol is loaded with the first call: a program that has a token of its own never pays for it. */
const sessionFor = (resource: string, options: OAuthOptions, store: TokenStore): OAuthSession => {
  let loading: Promise<OAuthSession> | undefined;
  const live = (): Promise<OAuthSession> => {
    loading ??= import('./oauth-session.ts').then(({ LiveSession }) => new LiveSession(resource, options, store));
    return loading;
  };
  return {
    fetch: async (input, init) => (await live()).fetch(input, init),
    signIn: async (how) => (await live()).signIn(how),
    signOut: async () => (await live()).signOut(),
  };
};

/** OAuth settings; `createAtrium({ url, auth: oauth({…}) })`, or `oauth({…}).for(mcpUrl).fetch` for an MCP client. */
export const oauth = (options: OAuthOptions = {}): OAuth => {
  const store = options.store ?? memoryStore();
  const sessions = new Map<string, OAuthSession>();
  return {
    for: (resource) => {
      const known = sessions.get(resource);
      if (known !== undefined) return known;
      const session = sessionFor(new URL(resource).href, options, store);
      sessions.set(resource, session);
      return session;
    },
  };
};
