import { decodeJwt } from 'jose';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Clock } from '../../../platform/clock/clock.ts';
import { translateDatabaseError } from '../../../platform/db/database-errors.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { proofWindow } from '../../../platform/secrets/dpop-proof.ts';
import type { CountedKind } from '../../../platform/telemetry/hourly-counts.ts';
import type { ClientFactsSampler } from '../client-facts.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { frontChannelAddresses } from '../logout/front-channel.ts';
import { forgetSessionState } from '../logout/session-state.ts';
import { logoutPage, tellFramesPage } from '../pages/logout-pages.ts';
import type { ClientGuesses } from './client-guesses.ts';
import { engineRoutes, proofAlgs } from './engine-config.ts';
import { currentScope, type RequestScope } from './request-scope.ts';

type Next = () => Promise<void>;

const oauthError = (ctx: KoaContextWithOIDC, status: number, error: string, error_description: string): void => {
  ctx.status = status;
  ctx.body = { error, error_description };
  ctx.set('cache-control', 'no-store');
};

const bodyOf = (ctx: KoaContextWithOIDC): Record<string, unknown> =>
  ctx.body !== null && typeof ctx.body === 'object' && !Buffer.isBuffer(ctx.body)
    ? (ctx.body as Record<string, unknown>)
    : {};

/** Proofs live a minute, also those with a nonce, which the engine would take however old they are. */
const proofIsRecent = (ctx: KoaContextWithOIDC, scope: RequestScope, clock: Clock): boolean => {
  const proof = ctx.get('DPoP');
  if (proof === '') return true;
  try {
    const { iat, jti } = decodeJwt(proof);
    scope.dpop_jti = jti ?? null;
    return iat === undefined || Math.abs(clock.now().getTime() / 1000 - iat) <= proofWindow;
  } catch {
    return true;
  }
};

/** Where clients prove themselves. */
const authenticating = new Set([
  'token',
  'introspection',
  'revocation',
  'pushed_authorization_request',
  'device_authorization',
]);

/** Userinfo is a resource: like every other it says where a client learns how to get a token (RFC 9728 5.1). */
const nameMetadata = (ctx: KoaContextWithOIDC): void => {
  if (ctx.path !== engineRoutes.userinfo || ctx.status !== 401) return;
  const metadata = `resource_metadata="${currentScope().public_url}/.well-known/oauth-protected-resource"`;
  const challenges = [ctx.response.get('www-authenticate') as string | string[]].flat().filter((one) => one !== '');
  if (challenges.length === 0) ctx.set('www-authenticate', `Bearer ${metadata}`);
  else
    ctx.set(
      'www-authenticate',
      challenges.map((challenge) => `${challenge}, ${metadata}`),
    );
};

const routeOf = (ctx: KoaContextWithOIDC): string => (ctx as { oidc?: { route?: string } }).oidc?.route ?? '';

interface LogoutSession {
  accountId?: string;
  state?: { postLogoutRedirectUri?: string; state?: string };
}

const leaveTo = (ctx: KoaContextWithOIDC, { state }: LogoutSession): void => {
  const { postLogoutRedirectUri: asked, state: given } = state ?? {};
  const to = new URL(asked ?? `${currentScope().public_url}/oauth/logout/success`);
  if (asked !== undefined && given !== undefined) to.searchParams.set('state', given);
  ctx.body = null;
  ctx.status = 303;
  ctx.redirect(to.href);
};

/**
 * The engine knows nobody here, and would answer with a form that sends itself. A person who is signed in all the same
 * is asked; anybody else is signed out already and goes on.
 */
const logoutOfNobody = (ctx: KoaContextWithOIDC): void => {
  const session = ctx.oidc.session as unknown as LogoutSession | undefined;
  if (session === undefined || session.accountId !== undefined || ctx.status !== 200) return;
  if (currentScope().person === null) leaveTo(ctx, session);
  else logoutPage(ctx);
};

/** Answers of ours where the engine's are not what this server promises. */
const polish = (ctx: KoaContextWithOIDC): void => {
  const route = routeOf(ctx);
  const body = bodyOf(ctx);
  if (
    ['introspection', 'revocation', 'token', 'backchannel_authentication'].includes(route) &&
    body['error_description'] === 'no client authentication mechanism provided'
  ) {
    oauthError(ctx, 401, 'invalid_client', 'client authentication is needed');
    ctx.set('www-authenticate', `Basic realm="${currentScope().public_url}"`);
  }
  if (route === 'end_session') logoutOfNobody(ctx);
  // A transaction token is no key to any resource.
  if (route === 'introspection' && currentScope().presented?.participants !== undefined && body['active'] === true)
    body['token_type'] = 'N_A';
  if (route === 'discovery' && ctx.status === 200) ctx.set('cache-control', 'public, max-age=300');
  if (route === 'jwks' && ctx.status === 200) ctx.set('cache-control', 'public, max-age=300');
  if (route === 'registration' || route === 'client' || route === 'client_update') {
    if ('atrium_scope' in body) {
      body['scope'] = body['atrium_scope'];
      delete body['atrium_scope'];
    }
    // Later answers would show what is stored, which is not the secret.
    if (route !== 'registration') delete body['client_secret'];
  }
};

const unavailable = (error: unknown): boolean => {
  const known = translateDatabaseError(error);
  return known instanceof AppError && known.code === 'not_ready';
};

/** Somebody confirmed that they want to leave, and the engine has let them go. */
const signsOut = (ctx: KoaContextWithOIDC): boolean => {
  const params = (ctx.oidc as { params?: Record<string, unknown> } | undefined)?.params;
  return routeOf(ctx) === 'end_session_confirm' && ctx.status === 303 && params?.['logout'] !== undefined;
};

/** What an answer counts as in the figures of the server. */
const countedOf = (ctx: KoaContextWithOIDC): CountedKind | null => {
  const body = (ctx.body ?? {}) as { access_token?: unknown; error?: unknown };
  if (ctx.status === 200 && typeof body.access_token === 'string') return 'token_issued';
  return body.error === 'invalid_client' || body.error === 'invalid_grant' ? 'client_failed' : null;
};

/**
 * Around every request of the engine: the transaction ends before a byte of the answer leaves, and it is kept whenever
 * the answer is a decision (also a refusal, so that a revocation after a replay survives) and given up when it is a failure.
 */
export const installMiddleware = (
  provider: Provider,
  parts: {
    clock: Clock;
    guesses: ClientGuesses;
    clients: ClientRegistry;
    count: (kind: CountedKind) => void;
    told: ClientFactsSampler;
    /** An answer refused something, by its OAuth code. */
    refused: (code: string) => void;
    onError: (error: unknown, what: string) => void;
    frontChannelLogout: boolean;
    sessionIframe: boolean;
  },
): void => {
  const failures = new WeakMap<object, unknown>();
  provider.on('server_error', (ctx: KoaContextWithOIDC, error: unknown) => failures.set(ctx.req, error));

  const failed = (ctx: KoaContextWithOIDC, error: unknown): void => {
    for (const name of ['set-cookie', 'location', 'www-authenticate']) ctx.remove(name);
    if (unavailable(error)) {
      oauthError(ctx, 503, 'temporarily_unavailable', 'the server cannot answer now');
      ctx.set('retry-after', '5');
    } else oauthError(ctx, 500, 'server_error', 'something went wrong');
    if (ctx.accepts('json', 'html') === 'html') ctx.type = 'json';
  };

  /** Sampled facts about the client; a refusal says nothing of it. */
  const tell = async (ctx: KoaContextWithOIDC, scope: RequestScope): Promise<void> => {
    const client = (ctx.oidc as { client?: { clientId: string; clientAuthMethod: string } } | undefined)?.client;
    if (ctx.status !== 200 || client === undefined || client.clientAuthMethod === 'none') return;
    if (!authenticating.has(routeOf(ctx))) return;
    const facts = await parts.clients.facts(scope.database.read, client.clientId);
    const org_id = facts?.agent?.org_id ?? facts?.org_id ?? null;
    parts.told.authenticated({ client_id: client.clientId, org_id, method: client.clientAuthMethod });
    // An answer in signed form does not show what it says.
    const { active } = bodyOf(ctx);
    if (routeOf(ctx) === 'introspection' && typeof active === 'boolean')
      parts.told.checked({ client_id: client.clientId, org_id, active });
  };

  const finish = async (ctx: KoaContextWithOIDC, scope: RequestScope): Promise<void> => {
    const { error: refusal } = bodyOf(ctx);
    if (typeof refusal === 'string') parts.refused(refusal);
    const frames = parts.frontChannelLogout && signsOut(ctx) ? await frontChannelAddresses(provider, ctx) : [];
    const blocked = await parts.guesses.judge(ctx, scope);
    if (blocked !== null) {
      await scope.end(false);
      oauthError(ctx, 429, 'invalid_client', 'too many wrong secrets');
      ctx.set('retry-after', String(blocked));
      return;
    }
    if (ctx.status >= 500) {
      await scope.end(false);
      failed(ctx, failures.get(ctx.req));
      return;
    }
    await scope.end(!scope.spends_nothing);
    await tell(ctx, scope);
    const figure = countedOf(ctx);
    if (figure !== null) parts.count(figure);
    if (!signsOut(ctx)) return;
    if (parts.sessionIframe) forgetSessionState(ctx);
    await scope.on_logout?.();
    if (frames.length > 0) tellFramesPage(ctx, frames);
  };

  provider.use(async (given: unknown, next: Next) => {
    const ctx = given as KoaContextWithOIDC;
    const scope = currentScope();
    if (!proofIsRecent(ctx, scope, parts.clock)) {
      const [error, words] = ['invalid_dpop_proof', 'the proof is not recent'];
      // Userinfo is a resource, which answers a bad proof like a bad token (RFC 9449, 7.1).
      const resource = ctx.path === engineRoutes.userinfo;
      oauthError(ctx, resource ? 401 : 400, error, words);
      if (resource) {
        const algs = proofAlgs.join(' ');
        ctx.set('www-authenticate', `DPoP error="${error}", error_description="${words}", algs="${algs}"`);
        nameMetadata(ctx);
      }
      return;
    }
    try {
      await next();
      polish(ctx);
      nameMetadata(ctx);
      await finish(ctx, scope);
    } catch (error) {
      await scope.end(false).catch(() => {});
      parts.onError(error, 'the authorization server failed');
      failed(ctx, error);
    }
  });
};
