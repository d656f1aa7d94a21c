import { AppError } from '../../platform/errors/app-error.ts';
import type { RequestLimiter } from '../../platform/http/http-options.ts';
import { addressKey, type RateLimiter } from '../../platform/limits/rate-limiter.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import type { OauthParts } from './oauth-parts.ts';
import { accessTokensStore } from './stores/access-tokens-store.ts';
import { clientsStore } from './stores/clients-store.ts';
import type { AccessTokens } from './tokens/access-token.ts';
import { looksLikeJwt } from './tokens/access-token.ts';
import type { Transactions } from './tokens/transactions.ts';

const minute = 60_000;
const hour = 60 * minute;
const mostUnconsented = 2000;

export interface PresentedToken {
  handle: string;
  kind: 'AccessToken' | 'ClientCredentials';
  payload: Record<string, unknown>;
  participants?: readonly string[];
}

const tooMany = (ms: number): AppError => {
  const retry_after = Math.max(1, Math.ceil(ms / 1000));
  return new AppError('rate_limited', `Too many attempts; try again in ${retry_after} seconds.`, {
    extensions: { retry_after },
  });
};

/** What is decided about a request before the engine sees it. */
export const createRequestGate = (
  parts: Pick<OauthParts, 'database' | 'clock' | 'limiter'> & {
    tokens: AccessTokens;
    transactions: Transactions | null;
    requests: RequestLimiter;
    address_rule: () => { limit: number; window_s: number };
  },
) => {
  const { database, clock, limiter, tokens } = parts;
  const db = database.read;
  const origins = new Map<string, { known: boolean; until: number }>();

  const require = async (hit: Parameters<RateLimiter['hit']>[0]): Promise<void> => {
    const { allowed, retry_after_ms } = await limiter.hit(hit);
    if (!allowed) throw tooMany(retry_after_ms);
  };

  const presentTransaction = async (token: string, handle: string): Promise<PresentedToken | null> => {
    const live = await parts.transactions?.verify(token, db);
    if (live == null) return null;
    const { claims, row } = live;
    const { txn, tctx, rctx, req_wl } = claims;
    return {
      ...{ handle, kind: 'AccessToken', participants: row.participants },
      payload: {
        ...{ kind: 'AccessToken', format: 'opaque', jti: txn, iat: claims.iat, exp: claims.exp },
        ...{ clientId: row.client_id, accountId: row.subject, aud: claims.aud, scope: claims.scope },
        extra: { txn, req_wl, ...(tctx && { tctx }), ...(rctx && { rctx }) },
      },
    };
  };

  return {
    /** The general limit of an address. */
    address: (key: string): void => {
      const verdict = parts.requests.take(`ip:${key}`, parts.address_rule());
      if (!(verdict instanceof Promise) && !verdict.allowed) throw tooMany(verdict.reset_s * 1000);
    },

    registration: async (ip: string): Promise<void> => {
      await require({ bucket: 'oauth.register', key: addressKey(ip), limit: 10, window_ms: hour });
      if ((await clientsStore.countUnconsented(db)) >= mostUnconsented)
        throw new AppError('not_ready', 'Too many clients wait for their first consent; try again later.', {
          extensions: { retry_after: 3600 },
        });
    },

    /** Wrong codes are counted, right ones are given back. */
    userCode: async (ip: string, act: () => Promise<boolean>): Promise<void> => {
      const hit = { bucket: 'oauth.user_code', key: addressKey(ip), limit: 5, window_ms: minute };
      await require(hit);
      if (!(await act())) await limiter.hit({ ...hit, cost: -1 });
    },

    isStructured: looksLikeJwt,

    isAccessToken: async (token: string): Promise<boolean> =>
      (await accessTokensStore.find(db, hashToken(token), clock.now())) !== null,

    /** A live JWT of ours as the stored token that the engine would have had; null for any other. */
    present: async (token: string, handle: string): Promise<PresentedToken | null> => {
      const facts = await tokens.verify(token);
      if (facts === null) return await presentTransaction(token, handle);
      const row = await accessTokensStore.find(db, hashToken(facts.jti), clock.now());
      if (row === null) return null;
      const { claims } = facts;
      const own = new Set([
        'iss',
        'aud',
        'exp',
        'iat',
        'jti',
        'client_id',
        'scope',
        'cnf',
        'sub',
        'authorization_details',
      ]);
      const extra = Object.fromEntries(Object.entries(claims).filter(([name]) => !own.has(name)));
      const person = row.kind === 'AccessToken';
      return {
        handle,
        kind: row.kind,
        payload: {
          kind: row.kind,
          format: 'opaque',
          jti: facts.jti,
          iat: claims['iat'],
          exp: claims['exp'],
          clientId: facts.client_id,
          aud: facts.audience,
          scope: facts.scopes.join(' '),
          extra: person ? extra : { ...extra, sub: facts.subject },
          ...(person ? { accountId: facts.subject } : {}),
          ...(facts.grant_id === null ? {} : { grantId: facts.grant_id }),
          ...(facts.jkt === null ? {} : { jkt: facts.jkt }),
          ...(facts.x5t === null ? {} : { 'x5t#S256': facts.x5t }),
          ...(claims['authorization_details'] === undefined ? {} : { rar: claims['authorization_details'] }),
        },
      };
    },

    /** Whether a public client registered a redirect at this origin of the web. */
    knowsOrigin: async (origin: string): Promise<boolean> => {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin.length > 300) return false;
      const now = Date.now();
      const cached = origins.get(origin);
      if (cached !== undefined && cached.until > now) return cached.known;
      const known = await clientsStore.hasOrigin(db, origin);
      if (origins.size > 500) origins.clear();
      origins.set(origin, { known, until: now + 5000 });
      return known;
    },
  };
};

export type RequestGate = ReturnType<typeof createRequestGate>;
