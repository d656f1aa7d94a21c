import { holdsScope } from '@atrium/protocol';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { ClientFacts } from '../clients/client-registry.ts';
import type { EngineParts } from '../engine/engine-config.ts';
import { errors } from '../engine/oidc-provider.ts';
import { currentScope } from '../engine/request-scope.ts';
import { keyClaimsIn } from '../engine/token-claims.ts';
import { hookClaimsIn } from '../hooks/token-hook.ts';
import type { AccessTokenFacts, AccessTokens } from '../tokens/access-token.ts';
import { idJagType, issueIdJag } from './id-jag.ts';
import { issueToken } from './issue-token.ts';
import {
  beginTransaction,
  replaceTransaction,
  requireTransactionClient,
  type TransactionParams,
  transactionType,
} from './transaction-token.ts';

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const takenTypes = new Set([accessTokenType, 'urn:ietf:params:oauth:token-type:jwt']);
const deepest = 4;

interface Params extends TransactionParams {
  subject_token?: string;
  subject_token_type?: string;
  actor_token?: string;
  actor_token_type?: string;
  requested_token_type?: string;
}

type Act = { sub: string; client_id?: string; act?: Act };

const depthOf = (act: Record<string, unknown> | null): number =>
  act === null ? 0 : 1 + depthOf((act['act'] as Record<string, unknown> | undefined) ?? null);

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word !== '');

/** A token as a resource would take it: live, of this server. */
const accepted = async (
  tokens: AccessTokens,
  token: string | undefined,
  type: string | undefined,
  what: string,
): Promise<AccessTokenFacts> => {
  if (token === undefined) throw new errors.InvalidRequest(`missing required parameter ${what}_token`);
  if (type === undefined || !takenTypes.has(type))
    throw new errors.InvalidRequest(`${what}_token_type must name an access token`);
  const facts = await tokens.verify(token, currentScope().db);
  if (facts === null) throw new errors.InvalidGrant(`${what}_token is invalid, expired or revoked`);
  return facts;
};

/** Whom the new token names as the one who acts; null when the client only narrows a token of its own. */
const actorFor = async (
  tokens: AccessTokens,
  params: Params,
  subject: AccessTokenFacts,
  facts: ClientFacts,
): Promise<Act | null> => {
  const own = facts.agent?.id ?? facts.client_id;
  const actor =
    params.actor_token === undefined
      ? null
      : await accepted(tokens, params.actor_token, params.actor_token_type, 'actor');
  if (actor === null && subject.client_id === facts.client_id) return null;
  // An actor token says who acts, and only for the client that holds it.
  if (actor !== null && actor.client_id !== facts.client_id)
    throw new errors.InvalidGrant('actor_token is of another client');
  const sub = actor?.subject ?? own;
  const named = (subject.claims['may_act'] as { sub?: unknown } | undefined)?.sub;
  if (named !== sub && !facts.allowed_actors.includes(sub))
    throw new errors.InvalidGrant('the actor may not act for this subject');
  return { sub, client_id: facts.client_id, ...(subject.act === null ? {} : { act: subject.act as unknown as Act }) };
};

/** A narrower audience at most: the same, or a door of the server when the token is for all of it. */
const targetFor = (params: Params, subject: AccessTokenFacts, origin: string): string => {
  const { audience: held } = subject;
  const asked = [...new Set([params.resource ?? [], params.audience ?? []].flat())];
  const [target = held] = asked;
  if (asked.length > 1 || target === null) throw new errors.InvalidTarget('name one resource');
  const whole = held === origin || held === `${origin}/`;
  if (target !== held && !(whole && target.startsWith(`${origin}/`)))
    throw new errors.InvalidTarget('the subject token is for another audience');
  return target;
};

const scopesFor = (params: Params, subject: AccessTokenFacts, facts: ClientFacts): string[] => {
  const asked = words(params.scope);
  if (asked.length === 0) return subject.scopes.filter((scope) => holdsScope(facts.scopes, scope));
  const beyond = asked.filter((scope) => !holdsScope(subject.scopes, scope) || !holdsScope(facts.scopes, scope));
  if (beyond.length > 0) throw new errors.InvalidScope('the subject token does not reach that far', beyond.join(' '));
  return asked;
};

/** RFC 8693: a token for the same subject, narrower, that says who acts with it. */
export const registerTokenExchange = (provider: Provider, parts: EngineParts, tokens: AccessTokens): void => {
  const { clients, resources, public_url } = parts;

  /** A token for an audience that is neither ours nor the client's own was never meant to come here. */
  const requireKnownAudience = async (subject: AccessTokenFacts, clientId: string): Promise<void> => {
    const { audience } = subject;
    const known = audience === null ? null : await currentScope().run((db) => resources.find(db, audience));
    if (known === null || (!known.built_in && known.client_id !== clientId && subject.client_id !== clientId))
      throw new errors.InvalidGrant('subject_token is for another audience');
  };

  /** What is given here beside access tokens. */
  const given = new Set([
    accessTokenType,
    ...(parts.config.agents.idJag ? [idJagType] : []),
    ...(parts.transactions === null ? [] : [transactionType]),
  ]);

  const transact = async (ctx: KoaContextWithOIDC, params: Params, facts: ClientFacts): Promise<void> => {
    const transactions = parts.transactions!;
    const { clientId: client_id } = ctx.oidc.client!;
    requireTransactionClient(ctx, transactions, params);
    const issue = { transactions, client_id, params, now: parts.clock.now() };
    if (params.subject_token !== undefined && params.subject_token_type === transactionType) {
      ctx.body = await replaceTransaction({ ...issue, scopes: words(params.scope) }, params.subject_token);
      return;
    }
    const subject = await accepted(tokens, params.subject_token, params.subject_token_type, 'subject');
    await requireKnownAudience(subject, client_id);
    await actorFor(tokens, params, subject, facts);
    const scopes = scopesFor(params, subject, facts);
    ctx.body = await beginTransaction({ ...issue, scopes }, subject, parts.config.agents.transactionTtlMs / 1000);
  };

  const exchange = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const params = ctx.oidc.params as Params;
    const client = ctx.oidc.client!;
    const wanted = params.requested_token_type ?? accessTokenType;
    if (!given.has(wanted)) throw new errors.InvalidRequest(`requested_token_type must be ${[...given].join(' or ')}`);
    const facts = await currentScope().run((db) => clients.facts(db, client.clientId));
    if (facts === null) throw new errors.InvalidClient('client not found');
    if (wanted === idJagType) return await issueIdJag(ctx, parts, params, facts);
    if (wanted === transactionType) return await transact(ctx, params, facts);
    const subject = await accepted(tokens, params.subject_token, params.subject_token_type, 'subject');
    if (client.clientAuthMethod === 'none' && subject.client_id !== client.clientId)
      throw new errors.UnauthorizedClient('a public client exchanges its own tokens only');
    await requireKnownAudience(subject, client.clientId);
    const actor = await actorFor(tokens, params, subject, facts);
    const act = actor ?? (subject.act as Act | null);
    if (depthOf(act as Record<string, unknown> | null) > deepest)
      throw new errors.InvalidRequest(`a chain of actors has at most ${deepest}`);
    const { actor_type, org_id, auth_time, grant_id, expires_at } = subject;
    const answer = await issueToken(ctx, parts, {
      subject: subject.subject,
      resource: targetFor(params, subject, public_url()),
      scopes: scopesFor(params, subject, facts),
      grant_id,
      not_after: expires_at,
      // A thief of a bound token must not get a free one for it; another client never had its key.
      must_be_bound: subject.client_id === client.clientId && (subject.jkt !== null || subject.x5t !== null),
      extra: {
        actor_type,
        ...keyClaimsIn(subject.claims),
        ...hookClaimsIn(subject.claims),
        ...(org_id === null ? {} : { org: org_id }),
        ...(grant_id === null ? {} : { grant_id }),
        ...(auth_time === null ? {} : { auth_time }),
        ...(act === null ? {} : { act: act as unknown as Record<string, unknown> }),
      },
    });
    ctx.body = { ...answer, issued_token_type: accessTokenType };
  };

  provider.registerGrantType(
    tokenExchange,
    exchange as never,
    [
      'subject_token',
      'subject_token_type',
      'actor_token',
      'actor_token_type',
      'requested_token_type',
      'audience',
      'resource',
      'scope',
      'request_context',
      'request_details',
    ],
    ['audience', 'resource'],
  );
};
