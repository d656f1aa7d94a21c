import { holdsScope } from '@atrium/protocol';
import type { ClientMetadata } from 'oidc-provider';
import type { Clock } from '../../../platform/clock/clock.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import type { ClientFactsSampler } from '../client-facts.ts';
import type { ClientRegistry, KnownClient } from '../clients/client-registry.ts';
import type { KnownResource, ResourceRegistry } from '../clients/resource-registry.ts';
import type { ClientGuesses } from '../engine/client-guesses.ts';
import { keyClaims } from '../engine/token-claims.ts';
import type { TokenHook } from '../hooks/token-hook.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Db } from '../stores/db.ts';
import type { TokenJournal } from '../tokens/token-journal.ts';
import { signAccessToken } from '../tokens/token-signer.ts';
import {
  authenticatedOf,
  holdsSecret,
  type PlainCredentials,
  type PlainRequest,
  readPlainForm,
} from './plain-client.ts';

export interface PlainAnswer {
  access_token: string;
  expires_in: number;
  scope: string;
  token_type: 'Bearer';
}

export interface PlainParts {
  clients: ClientRegistry;
  resources: ResourceRegistry;
  guesses: ClientGuesses;
  keys: KeyRing;
  journal: TokenJournal;
  clock: Clock;
  issuer: () => string;
  db: Db;
  count: (kind: 'token_issued') => void;
  told: Pick<ClientFactsSampler, 'authenticated'>;
  tokenHook: TokenHook;
}

interface Asked extends PlainCredentials {
  resource: string;
  scopes: readonly string[];
}

const grantType = 'client_credentials';
const plainMembers = new Set(['grant_type', 'scope', 'resource']);
const scopeSyntax = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** The request in so far as it is plain: nothing is left to defaults. */
const readPlain = (request: PlainRequest): Asked | null => {
  const asked = readPlainForm(request, plainMembers);
  if (asked === null) return null;
  const { grant_type, scope, resource } = asked.params;
  if (grant_type !== grantType || scope === undefined || resource === undefined) return null;
  if (!scopeSyntax.test(scope) || resource.includes('#') || !URL.canParse(resource)) return null;
  const scopes = scope.split(' ');
  return new Set(scopes).size === scopes.length ? { ...asked.credentials, resource, scopes } : null;
};

const isPlainClient = (metadata: ClientMetadata): boolean =>
  metadata.grant_types?.includes(grantType) === true &&
  metadata['dpop_bound_access_tokens'] !== true &&
  metadata['tls_client_certificate_bound_access_tokens'] !== true &&
  metadata['atrium_scope'] === undefined;

const mayHave = ({ facts }: KnownClient, known: KnownResource, scopes: readonly string[]): boolean =>
  known.format === 'jwt' &&
  !(known.built_in && facts.agent === null) &&
  (facts.allowed_resources.length === 0 || facts.allowed_resources.includes(known.audience)) &&
  scopes.every((scope) => known.scopes.includes(scope) && holdsScope(facts.scopes, scope));

/**
 * The quick way for what most machines ask most of the time: a secret, a resource, its scopes. It only ever says yes;
 * whatever is not plain, or would be refused, is the engine's to answer. Both ways are held to each other by a test.
 */
export const createPlainClientCredentials = (parts: PlainParts) => {
  const { clients, resources, guesses, keys, journal, clock, issuer, db, count, told, tokenHook } = parts;

  const claimsOf = ({ facts }: KnownClient, { audience, ttl_s }: KnownResource, asked: Asked) => {
    const iat = Math.floor(clock.now().getTime() / 1000);
    const org = facts.agent?.org_id ?? facts.org_id;
    return {
      ...(org === null ? {} : { org }),
      actor_type: facts.agent?.kind ?? 'service',
      ...(facts.agent === null ? {} : keyClaims(facts.agent)),
      jti: newToken(),
      sub: facts.agent?.id ?? asked.id,
      iat,
      exp: iat + ttl_s,
      scope: asked.scopes.join(' '),
      client_id: asked.id,
      iss: issuer(),
      aud: audience,
    };
  };

  /** Asked once nothing else is in the way, so that the engine has no reason to ask again. */
  const hookClaims = async ({ facts }: KnownClient, { audience }: KnownResource, { scopes }: Asked) =>
    tokenHook === null || facts.agent === null
      ? null
      : await tokenHook({ agent: facts.agent, resource: audience, scopes });

  /** Null: not for here. Throws TokenRefused when operators say no. */
  return async (request: PlainRequest): Promise<PlainAnswer | null> => {
    const asked = readPlain(request);
    if (asked === null) return null;
    const client = await clients.find(db, asked.id);
    if (client === null || !isPlainClient(client.metadata)) return null;
    if (!holdsSecret(client.metadata, asked.secret, clock.now())) return null;
    const known = await resources.find(db, asked.resource);
    if (known === null || !mayHave(client, known, asked.scopes)) return null;
    if (!guesses.admits(asked.id, request.ip)) return null;
    const claims = claimsOf(client, known, asked);
    const plain = signAccessToken(keys.current, known.alg, claims);
    if (plain === null) return null;
    const more = await hookClaims(client, known, asked);
    const token = more === null ? plain : signAccessToken(keys.current, known.alg, { ...claims, ...more });
    if (token === null) return null;
    await journal.write({
      id: newId(),
      hash: hashToken(claims.jti),
      format: 'jwt',
      kind: 'ClientCredentials',
      grant_id: null,
      client_id: asked.id,
      subject: claims.sub,
      org_id: claims.org ?? null,
      actor: null,
      resource: known.audience,
      scopes: [...asked.scopes],
      payload: null,
      created_at: clock.now(),
      expires_at: new Date(claims.exp * 1000),
    });
    count('token_issued');
    told.authenticated(authenticatedOf(client));
    return { access_token: token, expires_in: known.ttl_s, scope: claims.scope, token_type: 'Bearer' };
  };
};

export type PlainClientCredentials = ReturnType<typeof createPlainClientCredentials>;
