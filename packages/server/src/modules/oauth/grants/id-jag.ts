import { randomUUID } from 'node:crypto';
import { holdsScope } from '@atrium/protocol';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ClientFacts } from '../clients/client-registry.ts';
import type { EngineParts } from '../engine/engine-config.ts';
import { errors } from '../engine/oidc-provider.ts';
import { currentScope } from '../engine/request-scope.ts';
import { nilId } from '../oauth-events.ts';
import { signServerJwt, verifyServerJwt } from '../tokens/server-jwt.ts';

/** An identity assertion for the authorization server of somebody else (identity assertion authorization grant). */
export const idJagType = 'urn:ietf:params:oauth:token-type:id-jag';
export const idJagJwt = 'oauth-id-jag+jwt';

const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
const lifetime_s = 300;

export interface IdJagParams {
  subject_token?: string;
  subject_token_type?: string;
  audience?: string | string[];
  resource?: string | string[];
  scope?: string;
}

/** The person of an ID token that this server gave to this client, while neither has ended. */
const personOf = async (parts: EngineParts, params: IdJagParams, clientId: string) => {
  const { keys, clock, identity, revocations, public_url } = parts;
  const { subject_token, subject_token_type } = params;
  if (subject_token === undefined) throw new errors.InvalidRequest('missing required parameter subject_token');
  if (subject_token_type !== idTokenType) throw new errors.InvalidRequest(`subject_token_type must be ${idTokenType}`);
  const expected = { types: [undefined, 'JWT'], issuer: public_url(), audience: clientId, now: clock.now() };
  const claims = await verifyServerJwt(keys, subject_token, expected);
  const refused = () => new errors.InvalidGrant('subject_token is not a live ID token of this client');
  if (claims === null) throw refused();
  const [subject, issued_at] = [claims.sub!, new Date(claims.iat! * 1000)];
  const ended = await revocations.revoked({ jti: '', client_id: clientId, subject, grant_id: null, issued_at });
  const profile = await currentScope().run((db) => identity.subjects.profile(db, subject));
  if (ended || profile === null) throw refused();
  return { claims, profile };
};

const only = (value: string | string[] | undefined, name: string): string | undefined => {
  const [first, ...more] = [value ?? []].flat();
  if (more.length > 0) throw new errors.InvalidTarget(`name one ${name}`);
  return first;
};

/** Vouches for a person towards a server that an operator named, for a client that an operator registered. */
export const issueIdJag = async (
  ctx: KoaContextWithOIDC,
  parts: EngineParts,
  params: IdJagParams,
  facts: ClientFacts,
): Promise<void> => {
  const { config, keys, clock, public_url } = parts;
  const client_id = facts.client_id;
  if (facts.origin !== 'operator' || ctx.oidc.client!.clientAuthMethod === 'none')
    throw new errors.UnauthorizedClient('identity assertions are for confidential clients that an operator registered');
  const audience = only(params.audience, 'audience');
  if (audience === undefined || !config.agents.chainingTargets.includes(audience))
    throw new errors.InvalidTarget('this server does not vouch for people towards that audience');
  const resource = only(params.resource, 'resource');
  if (resource !== undefined && facts.allowed_resources.length > 0 && !facts.allowed_resources.includes(resource))
    throw new errors.InvalidTarget('the client may not ask for this resource');
  const scopes = (params.scope ?? '').split(' ').filter((one) => one !== '');
  const beyond = scopes.filter((one) => !holdsScope(facts.scopes, one));
  if (beyond.length > 0) throw new errors.InvalidScope('the client may not have it', beyond.join(' '));
  const { claims, profile } = await personOf(parts, params, client_id);
  const iat = Math.floor(clock.now().getTime() / 1000);
  const { auth_time, acr, amr } = claims;
  const assertion = await signServerJwt(keys, idJagJwt, {
    ...{ iss: public_url(), sub: profile.id, aud: audience, client_id, jti: randomUUID(), iat, exp: iat + lifetime_s },
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(resource === undefined ? {} : { resource }),
    ...(profile.email !== null && profile.email_verified ? { email: profile.email, email_verified: true } : {}),
    ...Object.fromEntries(Object.entries({ auth_time, acr, amr }).filter(([, value]) => value !== undefined)),
  });
  await currentScope().write(async (tx) =>
    tx.audit({
      action: 'oauth.identity.assert',
      target_type: 'client',
      target_id: client_id,
      org_id: nilId,
      details: { subject: profile.id, audience, scopes },
    }),
  );
  ctx.body = {
    ...{ access_token: assertion, issued_token_type: idJagType, token_type: 'N_A', expires_in: lifetime_s },
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  };
};
