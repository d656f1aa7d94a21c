import { sql } from 'kysely';
import type { Position } from '../../../platform/paging/keyset.ts';
import type { Db } from './db.ts';

export interface GrantRow {
  id: string;
  client_id: string;
  subject: string;
  org_id: string;
  scopes: string[];
  resources: string[];
  details: unknown[];
  /** The agent through which the client acts. */
  actor: string | null;
  /** The engine's own form. */
  payload: Record<string, unknown>;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
}

/** A client as the person who allowed it something sees it. */
export interface AppRow extends GrantRow {
  org_name: string;
  client_name: string | null;
  client_origin: string | null;
  redirect_uris: string[];
  authorizations: number;
  /** Of every authorization, some more than once. */
  actors: (string | null)[];
  every_scopes: string[][];
  every_resources: string[][];
}

export type GrantDraft = Omit<GrantRow, 'created_at' | 'last_used_at' | 'revoked_at'>;

/** What people allowed clients. One row an authorization; a client that somebody uses on two machines has two. */
export const grantsStore = {
  find: async (db: Db, id: string): Promise<GrantRow | null> =>
    (await sql<GrantRow>`select * from oauth_grants where id = ${id} and revoked_at is null`.execute(db)).rows[0] ??
    null,

  /** The newest that a person still allows a client, in an organisation they are still in. */
  latest: async (
    db: Db,
    of: { client_id: string; subject: string; actor: string | null; org_id?: string | undefined },
    now: Date,
  ): Promise<GrantRow | null> =>
    (
      await sql<GrantRow>`select g.* from oauth_grants g
        join identity_principals p on p.org_id = g.org_id and p.id = g.subject and p.active
        where g.client_id = ${of.client_id} and g.subject = ${of.subject} and g.revoked_at is null and g.expires_at > ${now}
          and g.actor is not distinct from ${of.actor}::uuid
          and (${of.org_id ?? null}::uuid is null or g.org_id = ${of.org_id ?? null}::uuid)
        order by g.created_at desc, g.id desc limit 1`.execute(db)
    ).rows[0] ?? null,

  upsert: async (db: Db, grant: GrantDraft, at: Date): Promise<void> => {
    const g = grant;
    await sql`insert into oauth_grants (id, client_id, subject, org_id, scopes, resources, details, actor, payload, created_at,
        last_used_at, expires_at)
      values (${g.id}, ${g.client_id}, ${g.subject}, ${g.org_id}, ${g.scopes}::text[], ${g.resources}::text[],
        ${JSON.stringify(g.details)}::jsonb, ${g.actor}, ${JSON.stringify(g.payload)}::jsonb, ${at}, ${at}, ${g.expires_at})
      on conflict (id) do update set scopes = excluded.scopes, resources = excluded.resources, details = excluded.details,
        payload = excluded.payload, last_used_at = excluded.last_used_at, expires_at = excluded.expires_at`.execute(db);
  },

  markUsed: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update oauth_grants set last_used_at = ${at} where id = ${id}`.execute(db);
  },

  page: async (
    db: Db,
    filter: {
      subject?: string | undefined;
      client_id?: string | undefined;
      org_id?: string | undefined;
      after: Position<Date> | null;
      limit: number;
    },
    now: Date,
  ): Promise<GrantRow[]> => {
    const { subject, client_id, org_id, after, limit } = filter;
    return (
      await sql<GrantRow>`select * from oauth_grants
        where revoked_at is null and expires_at > ${now}
          and (${subject ?? null}::uuid is null or subject = ${subject ?? null}::uuid)
          and (${client_id ?? null}::text is null or client_id = ${client_id ?? null})
          and (${org_id ?? null}::uuid is null or org_id = ${org_id ?? null}::uuid)
          and (${after?.value ?? null}::timestamptz is null
               or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows;
  },

  live: async (db: Db, of: { client_id: string; subject: string }): Promise<{ id: string }[]> =>
    (
      await sql<{ id: string }>`select id from oauth_grants
        where client_id = ${of.client_id} and subject = ${of.subject} and revoked_at is null order by id`.execute(db)
    ).rows,

  /** One row a client: the newest grant of a person, with what all of them come to. */
  appsOf: async (db: Db, subject: string, after: Position<Date> | null, limit: number, now: Date): Promise<AppRow[]> =>
    (
      await sql<AppRow>`select * from (
          select distinct on (g.client_id) g.*, o.name as org_name, c.name as client_name, c.origin as client_origin,
                 coalesce(c.redirect_uris, '{}') as redirect_uris,
                 count(*) over own as authorizations, array_agg(g.actor) over own as actors,
                 jsonb_agg(g.scopes) over own as every_scopes, jsonb_agg(g.resources) over own as every_resources
            from oauth_grants g
            join identity_orgs o on o.id = g.org_id
            left join oauth_clients c on c.client_id = g.client_id
           where g.subject = ${subject} and g.revoked_at is null and g.expires_at > ${now}
          window own as (partition by g.client_id)
           order by g.client_id, g.created_at desc, g.id desc) apps
        where (${after?.value ?? null}::timestamptz is null
               or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  /** Ends grants and says which: by id, or all of a client, a subject, or both. */
  revoke: async (
    db: Db,
    of: { id?: string; client_id?: string; subject?: string; org_id?: string },
    at: Date,
  ): Promise<GrantRow[]> =>
    (
      await sql<GrantRow>`update oauth_grants set revoked_at = ${at}
        where revoked_at is null
          and (${of.id ?? null}::uuid is null or id = ${of.id ?? null}::uuid)
          and (${of.client_id ?? null}::text is null or client_id = ${of.client_id ?? null})
          and (${of.subject ?? null}::uuid is null or subject = ${of.subject ?? null}::uuid)
          and (${of.org_id ?? null}::uuid is null or org_id = ${of.org_id ?? null}::uuid)
          and ${Object.values(of).some((value) => value !== undefined)}
        returning *`.execute(db)
    ).rows,

  sweep: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from oauth_grants where id in (
        select id from oauth_grants where expires_at < ${before} or revoked_at < ${before} limit 1000)`.execute(db);
  },
};
