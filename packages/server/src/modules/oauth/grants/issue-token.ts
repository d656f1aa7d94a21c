import type { KoaContextWithOIDC } from 'oidc-provider';
import type { EngineParts } from '../engine/engine-config.ts';
import { resourceFor } from '../engine/engine-config.ts';
import { errors, grantHelpers } from '../engine/oidc-provider.ts';
import type { TokenExtra } from '../engine/token-claims.ts';

export interface NewToken {
  subject: string;
  resource: string;
  scopes: readonly string[];
  extra: TokenExtra;
  grant_id: string | null;
  /** Never later than this. */
  not_after: Date | null;
  /** What it comes from is bound to a key, so that a free token would be worth more than that. */
  must_be_bound?: boolean;
  /** What the person allowed, as the token carries it. */
  details?: readonly Record<string, unknown>[];
  /** Uses up what the token is given for: the last step that may refuse, after the proof was checked. */
  spend?: () => Promise<void>;
}

const clientOf = (ctx: KoaContextWithOIDC) => {
  const { client } = ctx.oidc;
  if (client === undefined) throw new errors.InvalidClient('client not found');
  return client;
};

/** The last step of a grant type of our own: a token in the form of its resource, bound to a key when a proof came. */
export const issueToken = async (ctx: KoaContextWithOIDC, parts: EngineParts, token: NewToken) => {
  const { provider } = ctx.oidc;
  const client = clientOf(ctx);
  const proof = await grantHelpers.validateDpop(provider, ctx);
  grantHelpers.checkDpopRequired(provider, ctx, proof);
  await grantHelpers.checkDpopReplay(provider, ctx, proof, client.clientId);
  const certificate = grantHelpers.checkMtlsCert(provider, ctx);
  if (token.must_be_bound === true && proof === undefined && certificate === undefined)
    throw new errors.InvalidGrant('the subject token is bound to a key; prove one for the new token');
  const server = await resourceFor(parts)(ctx, token.resource, client);
  const lifetime =
    token.not_after === null ? Infinity : (token.not_after.getTime() - parts.clock.now().getTime()) / 1000;
  const expiresIn = Math.floor(Math.min(server.accessTokenTTL, lifetime));
  if (expiresIn < 1) throw new errors.InvalidGrant('the subject token is about to expire');
  await token.spend?.();
  const scope = token.scopes.join(' ');
  const issued = new provider.AccessToken({
    client,
    accountId: token.subject,
    gty: 'extension',
    extra: token.extra,
    expiresIn,
    ...(token.grant_id === null ? {} : { grantId: token.grant_id }),
    ...(scope === '' ? {} : { scope }),
    ...(token.details === undefined ? {} : { rar: token.details }),
  } as never);
  const bound = issued as unknown as { resourceServer: unknown; setThumbprint(kind: string, value: unknown): void };
  const { ResourceServer } = provider as unknown as { ResourceServer: new (id: string, info: unknown) => unknown };
  bound.resourceServer = new ResourceServer(token.resource, server);
  if (certificate !== undefined) bound.setThumbprint('x5t', certificate);
  if (proof !== undefined) bound.setThumbprint('jkt', proof.thumbprint);
  ctx.oidc.entity('AccessToken', issued);
  return {
    access_token: await issued.save(),
    token_type: proof === undefined ? 'Bearer' : 'DPoP',
    expires_in: expiresIn,
    ...(scope === '' ? {} : { scope }),
    ...(token.details === undefined ? {} : { authorization_details: token.details }),
  };
};
