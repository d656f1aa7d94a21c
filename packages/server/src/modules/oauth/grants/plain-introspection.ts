import type { clientRights } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { ClientFactsSampler } from '../client-facts.ts';
import type { ClientRegistry, KnownClient } from '../clients/client-registry.ts';
import type { ResourceRegistry } from '../clients/resource-registry.ts';
import type { ClientGuesses } from '../engine/client-guesses.ts';
import type { Db } from '../stores/db.ts';
import { type AccessTokens, looksLikeJwt } from '../tokens/access-token.ts';
import { authenticatedOf, holdsSecret, type PlainRequest, readPlainForm } from './plain-client.ts';

export interface PlainIntrospectionParts {
  clients: ClientRegistry;
  resources: ResourceRegistry;
  tokens: AccessTokens;
  guesses: ClientGuesses;
  clock: Clock;
  db: Db;
  told: ClientFactsSampler;
}

const introspectRight: keyof typeof clientRights = 'token:introspect';

const members = new Set(['token', 'token_type_hint']);

/** Who may learn of a token: its client, the client of its audience, and an operator's client made for that. */
export const mayIntrospect = async (
  { facts }: Pick<KnownClient, 'facts'>,
  token: { client_id: string; audience: string | null },
  resources: ResourceRegistry,
  db: Db,
): Promise<boolean> => {
  if (token.client_id === facts.client_id) return true;
  if (facts.origin === 'operator' && facts.scopes.includes(introspectRight)) return true;
  if (token.audience === null) return false;
  return (await resources.find(db, token.audience))?.client_id === facts.client_id;
};

/**
 * The quick way for what resource servers ask with each request they get: a secret, a live JWT of ours, a plain answer.
 * It only ever says that a token is active; whatever is not plain, or would be refused, is the engine's to answer.
 */
export const createPlainIntrospection = (parts: PlainIntrospectionParts) => {
  const { clients, resources, tokens, guesses, clock, db, told } = parts;

  /** Null: not for here. */
  return async (request: PlainRequest): Promise<Record<string, unknown> | null> => {
    if (/token-introspection/i.test(request.headers.accept ?? '')) return null;
    const asked = readPlainForm(request, members);
    const token = asked?.params['token'];
    if (!asked || token === undefined || !looksLikeJwt(token)) return null;
    const { id, secret } = asked.credentials;
    const client = await clients.find(db, id);
    if (client === null || !holdsSecret(client.metadata, secret, clock.now())) return null;
    const facts = await tokens.verify(token);
    if (facts === null || facts.claims['authorization_details'] !== undefined) return null;
    if (!(await mayIntrospect(client, facts, resources, db))) return null;
    if (!guesses.admits(id, request.ip)) return null;
    const proven = authenticatedOf(client);
    told.authenticated(proven);
    told.checked({ ...proven, active: true });
    return { ...facts.claims, active: true, token_type: facts.jkt === null ? 'Bearer' : 'DPoP' };
  };
};

export type PlainIntrospection = ReturnType<typeof createPlainIntrospection>;
