import { holdsScope } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { IdentityService } from '../../identity/index.ts';
import type { ClientRegistry, KnownClient } from '../clients/client-registry.ts';
import type { ResourceRegistry } from '../clients/resource-registry.ts';
import type { ClientGuesses } from '../engine/client-guesses.ts';
import { TokenRefused } from '../hooks/token-hook.ts';
import type { Db } from '../stores/db.ts';
import { holdsSecret, type PlainCredentials } from './plain-client.ts';
import type { PlainAnswer, PlainClientCredentials } from './plain-client-credentials.ts';

interface ClientHeadersParts {
  clients: ClientRegistry;
  resources: ResourceRegistry;
  guesses: ClientGuesses;
  issue: PlainClientCredentials;
  identity: Pick<IdentityService, 'resolve'>;
  clock: Clock;
  db: Db;
}

/** A token is replaced before it can run out while a call is under way. */
const bufferMs = 30_000;
const mostKept = 2000;

const refused = (): AppError =>
  new AppError('unauthorized', 'The client id and secret are not those of an agent here.');

/** What operators say no to is refused as a wrong secret is not: trying again with the same one may help. */
const asRefusal = (error: unknown): never => {
  if (!(error instanceof TokenRefused)) throw error;
  throw error.code === 'access_denied'
    ? new AppError('unauthorized', `No token for this client: ${error.message}.`)
    : new AppError('not_ready', `No token for this client: ${error.message}.`);
};

/**
 * The door's own token request for programs that send a client id and secret with every call. The secret is looked at
 * each time, so that a replaced one is dead at once; the token is kept, so that a call does not cost one.
 */
export const createClientHeaders = (parts: ClientHeadersParts) => {
  const { clients, resources, guesses, issue, identity, clock, db } = parts;
  const kept = new Map<string, { token: Promise<PlainAnswer | null>; until: number }>();

  const request = async (client: KnownClient, given: PlainCredentials, resource: string, call: Call) => {
    const known = await resources.find(db, resource);
    const scopes = (known?.scopes ?? []).filter((scope) => holdsScope(client.facts.scopes, scope));
    const form = new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: given.id, client_secret: given.secret },
      ...{ resource, scope: scopes.join(' ') },
    });
    return issue({ headers: {}, form: form.toString(), ip: call.ip });
  };

  const keep = (key: string, token: Promise<PlainAnswer | null>): void => {
    const entry = { token, until: Number.POSITIVE_INFINITY };
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
    kept.set(key, entry);
    token.then(
      (answer) => {
        if (answer === null) kept.delete(key);
        else entry.until = clock.now().getTime() + answer.expires_in * 1000 - bufferMs;
      },
      () => kept.delete(key),
    );
  };

  return async (given: PlainCredentials, resource: string, call: Call): Promise<Caller> => {
    const wait = guesses.waitOf(given.id, call.ip);
    if (wait !== null)
      throw new AppError('rate_limited', `Too many wrong secrets; try again in ${wait} seconds.`, {
        extensions: { retry_after: wait },
      });
    const client = await clients.find(db, given.id);
    if (client === null || client.facts.agent === null || !holdsSecret(client.metadata, given.secret, clock.now())) {
      await guesses.wrong(given.id, call);
      throw refused();
    }
    const key = hashToken([given.id, hashToken(given.secret), resource].join('\n'));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const known = kept.get(key);
      if (known === undefined || known.until <= clock.now().getTime())
        keep(key, request(client, given, resource, call));
      const answer = await kept.get(key)?.token.catch(asRefusal);
      if (answer == null) break;
      const caller = await identity.resolve(answer.access_token, { via: 'bearer', resource });
      if (caller !== null) return caller;
      // Revoked meanwhile: what the client may have now is a new one.
      kept.delete(key);
    }
    throw refused();
  };
};

export type ClientHeaders = ReturnType<typeof createClientHeaders>;
