import { createHash, randomBytes } from 'node:crypto';
import type { ToolsParts } from '../tools-parts.ts';
import type { ServerRow } from '../tools-rows.ts';
import { createWebFetch } from './guarded-web-fetch.ts';
import { keepingOf } from './oauth-keeping.ts';
import type { BegunSignIn } from './oauth-provider.ts';

export const stateHash = (state: string): string => createHash('sha256').update(state).digest('hex');

/** The client of MCP is large, and of no use to a server that nobody has signed in at others from. */
const loaded = async () => {
  const [{ auth }, { OauthProvider }] = await Promise.all([
    import('@modelcontextprotocol/client'),
    import('./oauth-provider.ts'),
  ]);
  return { auth, OauthProvider };
};

const withFetch = async <T>(
  parts: ToolsParts,
  server: ServerRow,
  act: (fetch: ReturnType<typeof createWebFetch>['fetch']) => Promise<T>,
): Promise<T> => {
  const host = new URL(server.url!).hostname.replace(/^\[|\]$/g, '');
  const web = createWebFetch({ ...parts, private_host: server.allow_private ? host : null });
  // A server that never answers would hold the person up.
  const limited: typeof web.fetch = (url, init) => web.fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
  try {
    return await act(limited);
  } finally {
    await web.close();
  }
};

/** Discovery, registration and the address to send the browser to; its url is null when tokens came without a person. */
export const beginSignIn = (parts: ToolsParts, server: ServerRow, user_id: string | null): Promise<BegunSignIn> =>
  withFetch(parts, server, async (fetch) => {
    const begun: BegunSignIn = { state: randomBytes(32).toString('base64url'), verifier: '', url: null };
    const { auth, OauthProvider } = await loaded();
    const provider = new OauthProvider(keepingOf(parts, server, user_id), parts.public_url(), begun);
    await auth(provider, { serverUrl: server.url!, fetchFn: fetch as never });
    return begun;
  });

export const finishSignIn = (
  parts: ToolsParts,
  server: ServerRow,
  user_id: string | null,
  answer: { code: string; iss: string | undefined; begun: BegunSignIn },
): Promise<void> =>
  withFetch(parts, server, async (fetch) => {
    const { auth, OauthProvider } = await loaded();
    const provider = new OauthProvider(keepingOf(parts, server, user_id), parts.public_url(), answer.begun);
    const iss = answer.iss === undefined ? {} : { iss: answer.iss };
    await auth(provider, { serverUrl: server.url!, authorizationCode: answer.code, ...iss, fetchFn: fetch as never });
  });
