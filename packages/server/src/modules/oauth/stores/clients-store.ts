import { sql } from 'kysely';
import type { Position } from '../../../platform/paging/keyset.ts';
import type { Db } from './db.ts';

export type ClientOrigin = 'operator' | 'registered';

export interface ClientRow {
  id: string;
  client_id: string;
  origin: ClientOrigin;
  name: string;
  /** By the names of RFC 7591, without what has a column. */
  metadata: Record<string, unknown>;
  secret_hash: string | null;
  /** Encrypted, for a client that signs with it; there is no hash then. */
  secret_sealed: string | null;
  secret_prefix: string | null;
  secret_expires_at: Date | null;
  jwks: { keys: Record<string, unknown>[] } | null;
  jwks_uri: string | null;
  auth_method: string;
  grant_types: string[];
  redirect_uris: string[];
  scopes: string[];
  allowed_resources: string[];
  allowed_actors: string[];
  require_state: boolean;
  dpop_required: boolean;
  skip_consent: boolean;
  org_id: string | null;
  owner_id: string | null;
  created_by: string | null;
  enabled: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
  consented_at: Date | null;
  last_used_at: Date | null;
}

/** What a client is made of; the rest of its row is history. */
export type ClientDraft = Omit<ClientRow, 'version' | 'created_at' | 'updated_at' | 'consented_at' | 'last_used_at'>;

export type ClientChanges = Partial<
  Omit<
    ClientDraft,
    | 'id'
    | 'client_id'
    | 'origin'
    | 'secret_hash'
    | 'secret_sealed'
    | 'secret_prefix'
    | 'secret_expires_at'
    | 'created_by'
  >
>;

const like = (q: string | undefined): string | null =>
  q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** Clients that operators made and clients that registered themselves. */
export const clientsStore = {
  find: async (db: Db, clientId: string): Promise<ClientRow | null> =>
    (await sql<ClientRow>`select * from oauth_clients where client_id = ${clientId}`.execute(db)).rows[0] ?? null,

  byId: async (db: Db, id: string): Promise<ClientRow | null> =>
    (await sql<ClientRow>`select * from oauth_clients where id = ${id}`.execute(db)).rows[0] ?? null,

  lock: async (db: Db, id: string): Promise<ClientRow | null> =>
    (await sql<ClientRow>`select * from oauth_clients where id = ${id} for update`.execute(db)).rows[0] ?? null,

  page: async (
    db: Db,
    filter: {
      q?: string | undefined;
      origin?: ClientOrigin | undefined;
      enabled?: boolean | undefined;
      after: Position<Date> | null;
      limit: number;
    },
  ): Promise<ClientRow[]> => {
    const { after, limit } = filter;
    const q = like(filter.q);
    return (
      await sql<ClientRow>`select * from oauth_clients
        where (${q}::text is null or name ilike ${q} or client_id ilike ${q})
          and (${filter.origin ?? null}::text is null or origin = ${filter.origin ?? null})
          and (${filter.enabled ?? null}::boolean is null or enabled = ${filter.enabled ?? null})
          and (${after?.value ?? null}::timestamptz is null
               or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows;
  },

  insert: async (db: Db, client: ClientDraft, at: Date): Promise<void> => {
    const c = client;
    await sql`insert into oauth_clients (id, client_id, origin, name, metadata, secret_hash, secret_sealed, secret_prefix,
        secret_expires_at, jwks, jwks_uri, auth_method, grant_types, redirect_uris, scopes, allowed_resources, allowed_actors, require_state,
        dpop_required, skip_consent, org_id, owner_id, created_by, enabled, created_at, updated_at)
      values (${c.id}, ${c.client_id}, ${c.origin}, ${c.name}, ${json(c.metadata)}::jsonb, ${c.secret_hash}, ${c.secret_sealed}, ${c.secret_prefix},
        ${c.secret_expires_at}, ${json(c.jwks)}::jsonb, ${c.jwks_uri}, ${c.auth_method}, ${c.grant_types}::text[],
        ${c.redirect_uris}::text[], ${c.scopes}::text[], ${c.allowed_resources}::text[], ${c.allowed_actors}::text[],
        ${c.require_state}, ${c.dpop_required}, ${c.skip_consent}, ${c.org_id}, ${c.owner_id}, ${c.created_by}, ${c.enabled},
        ${at}, ${at})`.execute(db);
  },

  /** False when somebody else changed the client since `version` was read. */
  update: async (db: Db, id: string, version: number, changes: ClientChanges, at: Date): Promise<boolean> => {
    const c = changes;
    const result = await sql`update oauth_clients set
        name = coalesce(${c.name ?? null}, name),
        metadata = coalesce(${c.metadata === undefined ? null : json(c.metadata)}::jsonb, metadata),
        jwks = case when ${c.jwks !== undefined} then ${json(c.jwks ?? null)}::jsonb else jwks end,
        jwks_uri = case when ${c.jwks_uri !== undefined} then ${c.jwks_uri ?? null} else jwks_uri end,
        auth_method = coalesce(${c.auth_method ?? null}, auth_method),
        grant_types = coalesce(${c.grant_types ?? null}::text[], grant_types),
        redirect_uris = coalesce(${c.redirect_uris ?? null}::text[], redirect_uris),
        scopes = coalesce(${c.scopes ?? null}::text[], scopes),
        allowed_resources = coalesce(${c.allowed_resources ?? null}::text[], allowed_resources),
        allowed_actors = coalesce(${c.allowed_actors ?? null}::text[], allowed_actors),
        require_state = coalesce(${c.require_state ?? null}, require_state),
        dpop_required = coalesce(${c.dpop_required ?? null}, dpop_required),
        skip_consent = coalesce(${c.skip_consent ?? null}, skip_consent),
        enabled = coalesce(${c.enabled ?? null}, enabled),
        owner_id = case when ${c.owner_id !== undefined} then ${c.owner_id ?? null}::uuid else owner_id end,
        version = version + 1, updated_at = ${at}
      where id = ${id} and version = ${version}`.execute(db);
    return result.numAffectedRows === 1n;
  },

  setSecret: async (
    db: Db,
    id: string,
    secret: { hash: string | null; sealed: string | null; prefix: string },
    at: Date,
  ): Promise<void> => {
    await sql`update oauth_clients set secret_hash = ${secret.hash}, secret_sealed = ${secret.sealed},
        secret_prefix = ${secret.prefix}, secret_expires_at = null, version = version + 1, updated_at = ${at}
      where id = ${id}`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; secret_sealed: string }[]> =>
    (
      await sql<{ id: string; secret_sealed: string }>`select id, secret_sealed from oauth_clients
        where secret_sealed is not null`.execute(db)
    ).rows,

  replaceSealed: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update oauth_clients set secret_sealed = ${to} where id = ${id} and secret_sealed = ${from}`.execute(db);
  },

  delete: async (db: Db, id: string): Promise<ClientRow | null> =>
    (await sql<ClientRow>`delete from oauth_clients where id = ${id} returning *`.execute(db)).rows[0] ?? null,

  /** At most once an hour for one client, so that a busy client is not a busy row. */
  markUsed: async (db: Db, clientId: string, at: Date): Promise<void> => {
    await sql`update oauth_clients set last_used_at = ${at} where client_id = ${clientId}
      and (last_used_at is null or last_used_at < ${new Date(at.getTime() - 3_600_000)})`.execute(db);
  },

  markConsented: async (db: Db, clientId: string, at: Date): Promise<void> => {
    await sql`update oauth_clients set consented_at = coalesce(consented_at, ${at}), last_used_at = ${at}
      where client_id = ${clientId}`.execute(db);
  },

  countUnconsented: async (db: Db): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*) as count from oauth_clients
        where origin = 'registered' and consented_at is null`.execute(db)
    ).rows[0]!.count,

  /** Clients that registered themselves: those nobody allowed anything since `unconsented`, those unused since `unused`. */
  sweep: async (db: Db, before: { unconsented: Date; unused: Date }): Promise<string[]> =>
    (
      await sql<{ client_id: string }>`delete from oauth_clients where id in (
          select id from oauth_clients where origin = 'registered'
            and ((consented_at is null and created_at < ${before.unconsented})
                 or coalesce(last_used_at, created_at) < ${before.unused})
          limit 1000)
        returning client_id`.execute(db)
    ).rows.map((row) => row.client_id),

  /** Whether a public client registered a redirect at this web origin. */
  hasOrigin: async (db: Db, origin: string): Promise<boolean> =>
    (
      await sql`select 1 from oauth_clients c, unnest(c.redirect_uris) as uri
        where c.enabled and c.auth_method = 'none' and starts_with(uri, ${`${origin}/`})
        union all
        select 1 from oauth_client_documents d, jsonb_array_elements_text(d.metadata -> 'redirect_uris') as uri
        where starts_with(uri, ${`${origin}/`}) limit 1`.execute(db)
    ).rows.length > 0,
};
