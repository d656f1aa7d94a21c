import { z } from 'zod';
import type { Clock } from '../../../platform/clock/clock.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { GuardedAnswer } from '../../../platform/net/guarded-fetch.ts';
import { sendSigned } from '../../../platform/net/signed-call.ts';
import type { AgentClient } from '../../identity/index.ts';
import type { HooksParts } from './hooks-parts.ts';

/** A token of an agent that is about to be issued. */
export interface IssuingToken {
  agent: AgentClient;
  resource: string | null;
  scopes: readonly string[];
}

/** What operators add to it: one claim, so that none of ours can be imitated. */
export type HookClaims = { ext?: Readonly<Record<string, unknown>> };

/** No token is given: the hook says no, or its policy does while it is away. */
export class TokenRefused extends Error {
  readonly code: 'access_denied' | 'temporarily_unavailable';

  constructor(code: TokenRefused['code'], message: string) {
    super(message);
    this.name = 'TokenRefused';
    this.code = code;
  }
}

/** Claims travel in a header with every request. */
const mostBytes = 2048;
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const claims = z
  .record(z.string().regex(/^[A-Za-z0-9_.:/-]{1,100}$/), z.union([scalar, z.array(scalar).max(50)]))
  .refine((given) => Object.keys(given).length <= 20, 'has more than 20 claims')
  .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= mostBytes, `is longer than ${mostBytes} bytes`);
const answered = z.strictObject({ claims: claims.optional() });

const readClaims = ({ status, body }: GuardedAnswer): HookClaims => {
  if (status === 403) throw new TokenRefused('access_denied', 'the token.issuing hook of this server refused it');
  if (status !== 200 && status !== 204) throw new Error(`the token.issuing hook answered ${status}`);
  if (status === 204 || body.length === 0) return {};
  const { claims: ext = {} } = answered.parse(JSON.parse(body.toString('utf8')));
  return Object.keys(ext).length === 0 ? {} : { ext };
};

/** Claims of a former token that go over into the one that it becomes. */
export const hookClaimsIn = (given: Readonly<Record<string, unknown>>): HookClaims => {
  const ext = given['ext'];
  return typeof ext === 'object' && ext !== null && !Array.isArray(ext) ? { ext: ext as Record<string, unknown> } : {};
};

/** Asks an operator's service about each token of an agent; null when none is configured. */
export const createTokenHook = (
  hooks: HooksParts | null,
  parts: { clock: Clock; onError: (error: unknown, what: string) => void },
) => {
  const hook = hooks?.config.tokenIssuing ?? null;
  if (hooks === null || hook === null) return null;
  return async ({ agent, resource, scopes }: IssuingToken): Promise<HookClaims> => {
    const [id, at] = [newId(), parts.clock.now()];
    const { id: identity_id, client_id, org_id, kind, name, public_key, fingerprint } = agent;
    try {
      const answer = await sendSigned(hooks.fetch, hooks.secret, {
        url: hook.url,
        ...{ id, at, timeout_ms: hooks.config.timeoutMs, max_bytes: 16 * 1024 },
        body: {
          type: 'token.issuing',
          timestamp: at.toISOString(),
          data: {
            ...{ client_id, grant_type: 'client_credentials', resource, scopes },
            agent: { identity_id, org_id, kind, name, public_key, fingerprint },
          },
        },
      });
      return readClaims(answer);
    } catch (error) {
      if (error instanceof TokenRefused) throw error;
      parts.onError(error, `the token.issuing hook failed; policy ${hook.policy}`);
      if (hook.policy === 'open') return {};
      throw new TokenRefused('temporarily_unavailable', 'the token.issuing hook of this server does not answer');
    }
  };
};

export type TokenHook = ReturnType<typeof createTokenHook>;
