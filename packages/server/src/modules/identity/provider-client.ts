import { importPKCS8, SignJWT } from 'jose';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  Configuration,
  type CustomFetchOptions,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client';
import { AppError } from '../../platform/errors/app-error.ts';
import type { GuardedFetch, GuardedRequest } from '../../platform/net/guarded-fetch.ts';
import type { ProviderRow } from './providers-store.ts';

/** What ties a callback to the request that it answers. */
export interface SocialChecks {
  state: string;
  nonce: string;
  verifier: string;
}

/** Who somebody is at a provider. */
export interface OutsidePerson {
  subject: string;
  /** Null when the provider names none. */
  email: string | null;
  /** The provider says that it proved the address. */
  email_verified: boolean;
  name: string | null;
  /** What the person knows the account by. */
  label: string;
}

export interface ProviderClient {
  authorizationUrl(redirectUri: string, checks: SocialChecks): Promise<string>;
  person(callback: URL, redirectUri: string, checks: SocialChecks): Promise<OutsidePerson>;
  /** Reads the metadata, for the test button of operators. */
  probe(): Promise<string>;
}

const mostBytes = 512 * 1024;
const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, 500) : null;

/** The `fetch` that openid-client wants, through the guard. */
const fetchThrough =
  (guarded: GuardedFetch) =>
  async (url: string, options: CustomFetchOptions): Promise<Response> => {
    const { body, headers, method, signal } = options;
    const answer = await guarded(url, {
      method: method as NonNullable<GuardedRequest['method']>,
      headers: Object.fromEntries(new Headers(headers)),
      ...(body == null ? {} : { body: String(body) }),
      ...(signal === undefined ? {} : { signal }),
      timeout_ms: 10_000,
      max_bytes: mostBytes,
    });
    const empty = answer.status === 204 || answer.status === 304;
    return new Response(empty ? null : new Uint8Array(answer.body), { status: answer.status, headers: answer.headers });
  };

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Plain http is for an issuer on the same machine; the guard still has to be told that this one may be reached. */
const mayBePlain = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && loopback.has(hostname);
};

const issuerOf = ({ preset, settings }: ProviderRow): string => {
  switch (preset) {
    case 'google':
      return settings.issuer ?? 'https://accounts.google.com';
    case 'apple':
      return settings.issuer ?? 'https://appleid.apple.com';
    case 'microsoft':
      return (
        settings.issuer ?? `https://login.microsoftonline.com/${encodeURIComponent(settings.tenant ?? 'common')}/v2.0`
      );
    case 'gitlab':
      return settings.issuer ?? 'https://gitlab.com';
    default:
      return settings.issuer ?? '';
  }
};

const scopesOf = ({ preset, settings }: ProviderRow): string =>
  (settings.scopes ?? (preset === 'apple' ? ['openid', 'name', 'email'] : ['openid', 'profile', 'email'])).join(' ');

/** Apple takes no fixed secret but a token signed by the key that it gave (ES256). */
const appleSecret = async ({ settings }: ProviderRow, key: string, audience: string, now: Date): Promise<string> => {
  const at = Math.floor(now.getTime() / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: settings.key_id! })
    .setIssuer(settings.team_id!)
    .setSubject(settings.client_id)
    .setAudience(audience)
    .setIssuedAt(at)
    .setExpirationTime(at + 300)
    .sign(await importPKCS8(key, 'ES256'));
};

/** Apple writes booleans as text. */
const isTrue = (value: unknown): boolean => value === true || value === 'true';

const createOidcClient = (
  row: ProviderRow,
  secret: string | null,
  guarded: GuardedFetch,
  now: () => Date,
): ProviderClient => {
  const { client_id } = row.settings;
  const issuer = issuerOf(row);
  const execute = [enableNonRepudiationChecks, ...(mayBePlain(issuer) ? [allowInsecureRequests] : [])];
  const through = fetchThrough(guarded);
  let known: Promise<Configuration> | null = null;

  const discovered = (): Promise<Configuration> => {
    known ??= discovery(new URL(issuer), client_id, {}, None(), { execute, [customFetch]: through, timeout: 10 }).catch(
      (error: unknown) => {
        // The next sign-in asks again.
        known = null;
        throw error;
      },
    );
    return known;
  };

  const configured = async (): Promise<Configuration> => {
    const found = await discovered();
    if (secret === null) return found;
    const server = found.serverMetadata();
    const shown = row.preset === 'apple' ? await appleSecret(row, secret, server.issuer, now()) : secret;
    // A copy, because the library hangs what it must remember of the issuer on the metadata it discovered.
    const configuration = new Configuration(server, client_id, {}, ClientSecretPost(shown));
    configuration[customFetch] = through;
    configuration.timeout = 10;
    for (const step of execute) step(configuration);
    return configuration;
  };

  return {
    authorizationUrl: async (redirectUri, { state, nonce, verifier }) => {
      const url = buildAuthorizationUrl(await discovered(), {
        redirect_uri: redirectUri,
        scope: scopesOf(row),
        ...{ state, nonce, code_challenge_method: 'S256' },
        code_challenge: await calculatePKCECodeChallenge(verifier),
        // Apple insists on it as soon as name or address are asked for.
        ...(row.preset === 'apple' ? { response_mode: 'form_post' } : {}),
      });
      return url.href;
    },

    person: async (callback, redirectUri, { state, nonce, verifier }) => {
      const configuration = await configured();
      const current = new URL(redirectUri);
      current.search = callback.search;
      const tokens = await authorizationCodeGrant(configuration, current, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = { ...tokens.claims()! } as Record<string, unknown> & { sub: string };
      if (claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined) {
        const more = await fetchUserInfo(configuration, tokens.access_token, claims.sub);
        for (const name of ['email', 'email_verified', 'name', 'preferred_username']) claims[name] ??= more[name];
      }
      const email = text(claims['email']);
      const name = text(claims['name']);
      return {
        subject: claims.sub,
        email,
        email_verified: email !== null && isTrue(claims['email_verified']),
        name,
        label: email ?? text(claims['preferred_username']) ?? name ?? claims.sub,
      };
    },

    probe: async () => `${(await discovered()).serverMetadata().issuer} answers and can be used.`,
  };
};

/** GitHub speaks OAuth 2.0 without identity tokens: who it is must be asked from its API. */
const createGithubClient = (row: ProviderRow, secret: string | null, guarded: GuardedFetch): ProviderClient => {
  const { settings } = row;
  const base = settings.base_url ?? 'https://github.com';
  const api = settings.api_url ?? (settings.base_url === undefined ? 'https://api.github.com' : `${base}/api/v3`);
  const through = fetchThrough(guarded);

  const configuration = (): Configuration => {
    const made = new Configuration(
      {
        issuer: base,
        authorization_endpoint: `${base}/login/oauth/authorize`,
        token_endpoint: `${base}/login/oauth/access_token`,
      },
      settings.client_id,
      {},
      ClientSecretPost(secret ?? ''),
    );
    made[customFetch] = through;
    made.timeout = 10;
    if (mayBePlain(base)) allowInsecureRequests(made);
    return made;
  };

  const ask = async (path: string, token: string | null): Promise<unknown> => {
    const answer = await guarded(`${api}${path}`, {
      headers: {
        accept: 'application/vnd.github+json',
        'user-agent': 'atrium',
        'x-github-api-version': '2022-11-28',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      max_bytes: mostBytes,
    });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    return JSON.parse(answer.body.toString('utf8')) as unknown;
  };

  return {
    authorizationUrl: async (redirectUri, { state, verifier }) =>
      buildAuthorizationUrl(configuration(), {
        redirect_uri: redirectUri,
        scope: (settings.scopes ?? ['read:user', 'user:email']).join(' '),
        ...{ state, code_challenge_method: 'S256' },
        code_challenge: await calculatePKCECodeChallenge(verifier),
      }).href,

    person: async (callback, redirectUri, { state, verifier }) => {
      const current = new URL(redirectUri);
      current.search = callback.search;
      const tokens = await authorizationCodeGrant(configuration(), current, {
        pkceCodeVerifier: verifier,
        expectedState: state,
      });
      const user = (await ask('/user', tokens.access_token)) as Record<string, unknown>;
      const emails = (await ask('/user/emails', tokens.access_token)) as Record<string, unknown>[];
      if (typeof user['id'] !== 'number' || !Array.isArray(emails)) throw new Error('GitHub named no user');
      const primary = emails.find((entry) => entry['primary'] === true) ?? emails[0];
      const login = text(user['login']);
      return {
        // The number stays when the login is renamed, and a renamed login may become somebody else's.
        subject: String(user['id']),
        email: text(primary?.['email']),
        email_verified: primary?.['verified'] === true,
        name: text(user['name']) ?? login,
        label: login ?? String(user['id']),
      };
    },

    probe: async () => {
      await ask('/zen', null).catch((error: unknown) => {
        // Its answer is a sentence and no JSON; that it answered is what counts.
        if (!(error instanceof SyntaxError)) throw error;
      });
      return `${api} answers.`;
    },
  };
};

export const createProviderClient = (
  row: ProviderRow,
  secret: string | null,
  guarded: GuardedFetch,
  now: () => Date,
): ProviderClient =>
  row.preset === 'github' ? createGithubClient(row, secret, guarded) : createOidcClient(row, secret, guarded, now);

/** What went wrong with a provider, in words that name no secret. */
export const providerFailed = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('identity_provider_failed', 'The provider did not answer as it should. Try again.', {
        log: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
        cause: error,
      });

export { issuerOf };
