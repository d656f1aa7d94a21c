import { type RawBuilder, sql } from 'kysely';
import type { Position } from '../../../platform/paging/keyset.ts';
import type { Db } from './db.ts';

export interface AccessTokenRow {
  id: string;
  hash: string;
  format: 'jwt' | 'opaque';
  kind: 'AccessToken' | 'ClientCredentials';
  grant_id: string | null;
  client_id: string;
  subject: string;
  org_id: string | null;
  actor: Record<string, unknown> | null;
  resource: string | null;
  scopes: string[];
  payload: Record<string, unknown> | null;
  created_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
  /** Where it stands in the status lists. */
  status_position: number | null;
}

export interface ExpiredTokens {
  client_id: string;
  org_id: string | null;
  count: number;
}

export type AccessTokenDraft = Omit<AccessTokenRow, 'revoked_at' | 'status_position'> & { status_position?: number };

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** Which tokens were issued, and those that are opaque. */
export const accessTokensStore = {
  insert: async (db: Db, token: AccessTokenDraft): Promise<void> => {
    const t = token;
    await sql`insert into oauth_access_tokens (id, hash, format, kind, grant_id, client_id, subject, org_id, actor, resource,
        scopes, payload, created_at, expires_at, status_position)
      values (${t.id}, ${t.hash}, ${t.format}, ${t.kind}, ${t.grant_id}, ${t.client_id}, ${t.subject}, ${t.org_id},
        ${json(t.actor)}::jsonb, ${t.resource}, ${t.scopes}::text[], ${json(t.payload)}::jsonb, ${t.created_at}, ${t.expires_at},
        ${t.status_position ?? null})
      on conflict (hash) do nothing`.execute(db);
  },

  /** Many in one statement, for `append`. */
  insertOf: (
    tokens: readonly AccessTokenDraft[],
  ): RawBuilder<unknown> => sql`insert into oauth_access_tokens (id, hash, format, kind, grant_id, client_id, subject, org_id, actor, resource,
        scopes, payload, created_at, expires_at)
      select id, hash, format, kind, grant_id, client_id, subject, org_id, actor, resource, scopes, payload, created_at, expires_at
      from jsonb_populate_recordset(null::oauth_access_tokens, ${JSON.stringify(tokens)}::jsonb)`,

  find: async (db: Db, hash: string, now: Date): Promise<AccessTokenRow | null> =>
    (
      await sql<AccessTokenRow>`select * from oauth_access_tokens
        where hash = ${hash} and revoked_at is null and expires_at > ${now}`.execute(db)
    ).rows[0] ?? null,

  byId: async (db: Db, id: string): Promise<AccessTokenRow | null> =>
    (await sql<AccessTokenRow>`select * from oauth_access_tokens where id = ${id}`.execute(db)).rows[0] ?? null,

  page: async (
    db: Db,
    filter: {
      client_id?: string | undefined;
      subject?: string | undefined;
      org_id?: string | undefined;
      after: Position<Date> | null;
      limit: number;
    },
    now: Date,
  ): Promise<AccessTokenRow[]> => {
    const { client_id, subject, org_id, after, limit } = filter;
    return (
      await sql<AccessTokenRow>`select * from oauth_access_tokens
        where expires_at > ${now} and revoked_at is null
          and (${client_id ?? null}::text is null or client_id = ${client_id ?? null})
          and (${subject ?? null}::text is null or subject = ${subject ?? null})
          and (${org_id ?? null}::uuid is null or org_id = ${org_id ?? null}::uuid)
          and (${after?.value ?? null}::timestamptz is null
               or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows;
  },

  /** Marks live tokens as ended and says which; at least one member of `of` must be given. */
  revoke: async (
    db: Db,
    of: { id?: string; hash?: string; grant_id?: string; client_id?: string; subject?: string },
    at: Date,
  ): Promise<AccessTokenRow[]> =>
    (
      await sql<AccessTokenRow>`update oauth_access_tokens set revoked_at = ${at}
        where revoked_at is null and expires_at > ${at}
          and (${of.id ?? null}::uuid is null or id = ${of.id ?? null}::uuid)
          and (${of.hash ?? null}::text is null or hash = ${of.hash ?? null})
          and (${of.grant_id ?? null}::uuid is null or grant_id = ${of.grant_id ?? null}::uuid)
          and (${of.client_id ?? null}::text is null or client_id = ${of.client_id ?? null})
          and (${of.subject ?? null}::text is null or subject = ${of.subject ?? null})
          and ${Object.values(of).some((value) => value !== undefined)}
        returning *`.execute(db)
    ).rows,

  nextStatusPosition: async (db: Db): Promise<number> =>
    Number((await sql<{ n: number }>`select nextval('oauth_status_positions') as n`.execute(db)).rows[0]!.n),

  lastStatusPosition: async (db: Db): Promise<number> =>
    Number(
      (
        await sql<{ n: number }>`select case when is_called then last_value else -1 end as n
          from oauth_status_positions`.execute(db)
      ).rows[0]!.n,
    ),

  revokedBetween: async (db: Db, first: number, last: number): Promise<number[]> =>
    (
      await sql<{ n: number }>`select status_position as n from oauth_access_tokens
        where status_position between ${first} and ${last} and revoked_at is not null`.execute(db)
    ).rows.map(({ n }) => Number(n)),

  /** In batches. Tells how many of each client and organisation had lived to their end. */
  sweep: async (db: Db, before: Date, batch = 5000): Promise<{ more: boolean; expired: ExpiredTokens[] }> => {
    const { rows } = await sql<ExpiredTokens & { gone: number }>`with gone as (
        delete from oauth_access_tokens where id in (
          select id from oauth_access_tokens where expires_at < ${before} limit ${batch} for update skip locked)
        returning client_id, org_id, revoked_at)
      select client_id, org_id, count(*)::int as gone, count(*) filter (where revoked_at is null)::int as count
      from gone group by client_id, org_id`.execute(db);
    const gone = rows.reduce((sum, row) => sum + row.gone, 0);
    return { more: gone === batch, expired: rows.filter(({ count }) => count > 0) };
  },
};
