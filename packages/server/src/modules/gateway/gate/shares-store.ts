import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { Position } from '../../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface ShareRow {
  id: string;
  org_id: string;
  route_id: string;
  name: string;
  kind: 'link' | 'pin' | 'passcode';
  secret_hash: string | null;
  uses: number;
  max_uses: number | null;
  expires_at: Date;
  created_by_type: 'user' | 'agent' | 'device' | 'service' | 'system';
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  revoked_at: Date | null;
}

const columns = sql`id, org_id, route_id, name, kind, secret_hash, uses, max_uses, expires_at, created_by_type,
  created_by_id, created_by_name, created_at, revoked_at`;

/** So many wrong PINs in all end a share: four digits do not stand up to patience. */
const mostFailures = 100;

const isGood = (now: Date) => sql`revoked_at is null and expires_at > ${now} and failures < ${mostFailures}
  and (max_uses is null or uses < max_uses)`;

/** Links that open one route. */
export const sharesStore = {
  insert: async (
    db: Db,
    share: Omit<ShareRow, 'uses' | 'revoked_at'> & { token_hash: string; secret_hash: string | null },
  ): Promise<void> => {
    await sql`insert into gateway_shares (id, org_id, route_id, name, kind, token_hash, secret_hash, max_uses, expires_at,
        created_by_type, created_by_id, created_by_name, created_at)
      values (${share.id}, ${share.org_id}, ${share.route_id}, ${share.name}, ${share.kind}, ${share.token_hash},
        ${share.secret_hash}, ${share.max_uses}, ${share.expires_at}, ${share.created_by_type}, ${share.created_by_id},
        ${share.created_by_name}, ${share.created_at})`.execute(db);
  },

  page: async (
    db: Db,
    orgId: string,
    routeId: string,
    after: Position<Date> | null,
    limit: number,
  ): Promise<ShareRow[]> =>
    (
      await sql<ShareRow>`select ${columns} from gateway_shares
        where org_id = ${orgId} and route_id = ${routeId}
          and (${after?.value ?? null}::timestamptz is null
            or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  /** A link that can still be used. */
  findGood: async (db: Db, tokenHash: string, now: Date): Promise<ShareRow | null> =>
    (
      await sql<ShareRow>`select ${columns} from gateway_shares
        where token_hash = ${tokenHash} and ${isGood(now)}`.execute(db)
    ).rows[0] ?? null,

  /** Takes one use; null when there is none left, also when many ask at once. */
  use: async (db: Db, id: string, now: Date): Promise<ShareRow | null> =>
    (
      await sql<ShareRow>`update gateway_shares set uses = uses + 1 where id = ${id} and ${isGood(now)}
        returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  countFailure: async (db: Db, id: string): Promise<void> => {
    await sql`update gateway_shares set failures = failures + 1 where id = ${id}`.execute(db);
  },

  revoke: async (db: Db, orgId: string, routeId: string, id: string, at: Date): Promise<ShareRow | null> =>
    (
      await sql<ShareRow>`update gateway_shares set revoked_at = ${at}
        where org_id = ${orgId} and route_id = ${routeId} and id = ${id} and revoked_at is null
        returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  /** A route of the organisation, with where people open it: a host of its own before the shared origin. */
  route: async (
    db: Db,
    orgId: string,
    routeId: string,
  ): Promise<{ id: string; slug: string; host: string; path: string } | null> =>
    (
      await sql<{ id: string; slug: string; host: string; path: string }>`
        select r.id, r.slug, coalesce(c.host, '') as host, coalesce(c.path, r.path_base, '/apps/' || r.slug || '/') as path
        from gateway_routes r
        left join lateral (select host, path from gateway_claims where route_id = r.id and host not like '*%'
          order by host = '', host, path limit 1) c on true
        where r.org_id = ${orgId} and r.id = ${routeId}`.execute(db)
    ).rows[0] ?? null,
};
