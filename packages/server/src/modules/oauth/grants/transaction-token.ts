import type { KoaContextWithOIDC } from 'oidc-provider';
import { newId } from '../../../platform/ids/ids.ts';
import { errors } from '../engine/oidc-provider.ts';
import { currentScope } from '../engine/request-scope.ts';
import { transactionsStore } from '../stores/transactions-store.ts';
import type { AccessTokenFacts } from '../tokens/access-token.ts';
import type { TransactionClaims, Transactions } from '../tokens/transactions.ts';

export const transactionType = 'urn:ietf:params:oauth:token-type:txn_token';

export interface TransactionParams {
  audience?: string | string[];
  resource?: string | string[];
  scope?: string;
  request_context?: string;
  request_details?: string;
}

/** A secret can be shared along a chain of services; a key names the one that holds it. */
const byKey = new Set(['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']);

const longestContext = 4096;

/** A JSON object in base64url. */
const contextOf = (text: string | undefined, name: string): Record<string, unknown> | undefined => {
  if (text === undefined) return undefined;
  try {
    if (text.length > longestContext) throw new Error('too long');
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('no object');
    return value as Record<string, unknown>;
  } catch (cause) {
    throw new errors.InvalidRequest(
      `${name} must be a JSON object in base64url of at most ${longestContext} characters`,
      undefined,
      { cause } as never,
    );
  }
};

/** What was said once of a chain stays true for all that follow. */
const added = (
  known: Record<string, unknown> | undefined,
  more: Record<string, unknown> | undefined,
  name: string,
): Record<string, unknown> | undefined => {
  for (const [member, value] of Object.entries(more ?? {}))
    if (known !== undefined && Object.hasOwn(known, member) && JSON.stringify(known[member]) !== JSON.stringify(value))
      throw new errors.InvalidRequest(`${name} must not change ${member}`);
  return known === undefined && more === undefined ? undefined : { ...known, ...more };
};

const contexts = (params: TransactionParams, known: Pick<TransactionClaims, 'tctx' | 'rctx'>) => {
  const tctx = added(known.tctx, contextOf(params.request_details, 'request_details'), 'request_details');
  const rctx = added(known.rctx, contextOf(params.request_context, 'request_context'), 'request_context');
  if (JSON.stringify([tctx, rctx]).length > 2 * longestContext)
    throw new errors.InvalidRequest('the context of this transaction has grown too long');
  return { ...(tctx === undefined ? {} : { tctx }), ...(rctx === undefined ? {} : { rctx }) };
};

/** Who may have transaction tokens at all, and for what. */
export const requireTransactionClient = (
  ctx: KoaContextWithOIDC,
  { trust_domain }: Transactions,
  params: TransactionParams,
): void => {
  if (!byKey.has(ctx.oidc.client!.clientAuthMethod ?? ''))
    throw new errors.UnauthorizedClient('transaction tokens are for clients that authenticate by a key of their own');
  if (params.audience !== trust_domain || params.resource !== undefined)
    throw new errors.InvalidTarget('the audience of a transaction token is the trust domain');
};

const answer = (token: string, claims: { exp?: number; scope: string }, now: number) => ({
  access_token: token,
  issued_token_type: transactionType,
  token_type: 'N_A',
  expires_in: Math.max(0, claims.exp! - now),
  ...(claims.scope === '' ? {} : { scope: claims.scope }),
});

export interface TransactionIssue {
  transactions: Transactions;
  client_id: string;
  params: TransactionParams;
  scopes: readonly string[];
  now: Date;
}

/** The first token of a chain, from an access token that its service was called with. */
export const beginTransaction = async (issue: TransactionIssue, subject: AccessTokenFacts, ttl_s: number) => {
  const { transactions, client_id, params, scopes, now } = issue;
  const iat = Math.floor(now.getTime() / 1000);
  const exp = Math.min(iat + ttl_s, Math.floor(subject.expires_at.getTime() / 1000));
  if (exp <= iat) throw new errors.InvalidGrant('the subject token is about to expire');
  const claims = {
    ...{ txn: newId(), sub: subject.subject, scope: scopes.join(' '), req_wl: client_id, iat, exp },
    ...contexts(params, {}),
  };
  await currentScope().write((tx) =>
    transactionsStore.insert(tx.db, {
      id: claims.txn,
      client_id: subject.client_id,
      subject: subject.subject,
      org_id: subject.org_id,
      grant_id: subject.grant_id,
      participants: [...new Set([client_id, subject.client_id])],
      created_at: now,
      expires_at: new Date(exp * 1000),
    }),
  );
  return answer(await transactions.sign(claims), claims, iat);
};

/** A further token of a chain: the same transaction, no wider, no longer. */
export const replaceTransaction = async (issue: TransactionIssue, token: string) => {
  const { transactions, client_id, params, scopes, now } = issue;
  const scope = currentScope();
  const live = await transactions.verify(token, scope.db);
  if (live === null) throw new errors.InvalidGrant('subject_token is invalid, expired or ended');
  const { txn, sub, exp, scope: held, tctx, rctx } = live.claims;
  const had = held.split(' ').filter((one) => one !== '');
  const beyond = scopes.filter((one) => !had.includes(one));
  if (beyond.length > 0) throw new errors.InvalidScope('the transaction does not reach that far', beyond.join(' '));
  const iat = Math.floor(now.getTime() / 1000);
  const claims = {
    ...{ txn, sub, scope: (params.scope === undefined ? had : scopes).join(' '), req_wl: client_id, iat, exp },
    ...contexts(params, { ...(tctx && { tctx }), ...(rctx && { rctx }) }),
  };
  if (!(await scope.write((tx) => transactionsStore.join(tx.db, txn, client_id))))
    throw new errors.InvalidRequest('too many services take part in this transaction');
  return answer(await transactions.sign(claims), claims, iat);
};
