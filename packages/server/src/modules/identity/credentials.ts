import { commonScopes } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import type { Activity } from './activity.ts';
import type { CallerCache } from './caller-cache.ts';
import { type CallerRow, credentialsStore } from './credentials-store.ts';

export const tokenPrefixes = {
  session: 'ats_',
  apiKey: 'atk_',
  ticket: 'att_',
  clientSecret: 'acs_',
  enrolment: 'aen_',
  recovery: 'arc_',
  pairing: 'atp_',
} as const;

/** What RFC 9449 and RFC 8705 add to a request: the scheme of its token, the proof of its key, and its certificate. */
export interface ProofOfPossession {
  scheme: 'bearer' | 'dpop';
  dpop: string | null;
  method: string;
  /** Without query and fragment, as the public knows it. */
  url: string;
  /** Thumbprint of the certificate that the connection was made with. */
  certificate: string | null;
}

/** Where a credential came from. Tickets are good on the socket alone. */
export interface CredentialUse {
  via: 'bearer' | 'cookie' | 'ticket';
  /** The protected resource that was asked for, for tokens bound to one. */
  resource?: string;
  /** How the token was presented, for those bound to a key of their client. */
  proof?: ProofOfPossession;
}

/** Another kind of token, known by its form before anything is looked up: a JWT by its dots, an opaque one by its prefix. */
export interface CredentialSource {
  matches(token: string): boolean;
  resolve(token: string, use: CredentialUse): Promise<Caller | null>;
}

export interface Credentials {
  /** Who a token stands for; null when it is unknown, expired, revoked, or its principal is shut out. */
  resolve(token: string, use?: CredentialUse): Promise<Caller | null>;
  addSource(source: CredentialSource): void;
  /** The caller of an open connection as they are now; null when the connection must end. */
  refresh(caller: Caller): Promise<Caller | null>;
  /** The person of a live session, for what stands for it elsewhere; null once it has ended. */
  callerOfSession(id: string): Promise<Caller | null>;
  /** A principal without a credential, for tokens of other modules and for acts on somebody's behalf. */
  callerOf(principal: { org_id: string; kind: Caller['kind']; id: string }): Promise<Caller | null>;
}

const tokenForm = /^(ats_|atk_|att_)[A-Za-z0-9_-]{43}$/;

const toCaller = (row: CallerRow, kind: Caller['credential']['kind']): Caller =>
  Object.freeze({
    kind: row.kind,
    id: row.id,
    name: row.name,
    org_id: row.org_id,
    org_name: row.org_name,
    system_role: row.system_role,
    role_id: row.role_id,
    permissions: row.permissions,
    scopes: row.scopes,
    item_scope: row.item_scope,
    owner_id: row.owner_id,
    is_operator: row.is_operator,
    credential: { kind, id: row.credential_id, expires_at: row.expires_at },
  });

/** The one function that turns a token into a caller, for every door. */
export const createCredentials = (parts: {
  database: Database;
  clock: Clock;
  cache: CallerCache;
  activity: Activity;
}): Credentials => {
  const { database, clock, cache, activity } = parts;
  const db = database.read;
  const sources: CredentialSource[] = [];

  const byId = async (kind: 'session' | 'api_key', id: string): Promise<Caller | null> => {
    const row = await (kind === 'session' ? credentialsStore.sessionById : credentialsStore.keyById)(
      db,
      id,
      clock.now(),
    );
    return row === null ? null : toCaller(row, kind);
  };

  const byTicket = async (token: string): Promise<Caller | null> => {
    const ticket = await credentialsStore.takeTicket(db, hashToken(token), clock.now());
    return ticket === null ? null : byId(ticket.credential_kind, ticket.credential_id);
  };

  const own = async (token: string, use: CredentialUse): Promise<Caller | null> => {
    if (token.startsWith(tokenPrefixes.ticket)) return use.via === 'ticket' ? byTicket(token) : null;
    const hash = hashToken(token);
    const now = clock.now();
    const known = cache.get(hash, now.getTime());
    if (known !== null) return known;
    const generation = cache.generation;
    const isSession = token.startsWith(tokenPrefixes.session);
    const row = await (isSession ? credentialsStore.sessionByHash : credentialsStore.keyByHash)(db, hash, now);
    if (row === null) return null;
    const caller = toCaller(row, isSession ? 'session' : 'api_key');
    cache.put(hash, caller, now.getTime(), generation);
    return caller;
  };

  return {
    resolve: async (token, use = { via: 'bearer' }) => {
      if (!tokenForm.test(token)) {
        const found = (await sources.find((source) => source.matches(token))?.resolve(token, use)) ?? null;
        if (found?.kind === 'device') activity.used(found);
        return found;
      }
      const caller = await own(token, use);
      if (caller !== null) activity.used(caller);
      return caller;
    },
    addSource: (source) => void sources.push(source),
    refresh: async (caller) => {
      const { kind, id } = caller.credential;
      if (kind === 'internal') return caller;
      if (id !== null && kind !== 'access_token') return byId(kind, id);
      const row = await credentialsStore.principal(db, caller.org_id, caller.kind, caller.id);
      if (row === null) return null;
      // The token narrows its principal; a role that shrank meanwhile counts at once.
      const scopes = row.scopes.includes('*') ? caller.scopes : commonScopes(caller.scopes, row.scopes);
      return Object.freeze({ ...toCaller(row, kind), scopes, credential: caller.credential });
    },
    callerOfSession: (id) => byId('session', id),
    callerOf: async ({ org_id, kind, id }) => {
      if (kind === 'system') return null;
      const row = await credentialsStore.principal(db, org_id, kind, id);
      return row === null ? null : toCaller(row, 'internal');
    },
  };
};
