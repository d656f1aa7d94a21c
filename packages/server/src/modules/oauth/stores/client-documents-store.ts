import { sql } from 'kysely';
import type { Db } from './db.ts';

export interface ClientDocumentRow {
  client_id: string;
  host: string;
  metadata: Record<string, unknown>;
  digest: string;
  fetched_at: Date;
  last_used_at: Date;
}

/** Clients whose id is the URL of their metadata, once one came as far as consent. */
export const clientDocumentsStore = {
  find: async (db: Db, clientId: string): Promise<ClientDocumentRow | null> =>
    (await sql<ClientDocumentRow>`select * from oauth_client_documents where client_id = ${clientId}`.execute(db))
      .rows[0] ?? null,

  /** Keeps at most `most` rows: the one used least recently goes, unless somebody still allows it something. */
  keep: async (
    db: Db,
    document: { client_id: string; host: string; metadata: Record<string, unknown>; digest: string },
    most: number,
    at: Date,
  ): Promise<void> => {
    const { client_id, host, metadata, digest } = document;
    await sql`insert into oauth_client_documents (client_id, host, metadata, digest, fetched_at, fresh_until, last_used_at)
      values (${client_id}, ${host}, ${JSON.stringify(metadata)}::jsonb, ${digest}, ${at}, ${at}, ${at})
      on conflict (client_id) do update set metadata = excluded.metadata, digest = excluded.digest,
        fetched_at = excluded.fetched_at, last_used_at = excluded.last_used_at`.execute(db);
    await sql`delete from oauth_client_documents where client_id in (
        select d.client_id from oauth_client_documents d
        where not exists (select 1 from oauth_grants g
          where g.client_id = d.client_id and g.revoked_at is null and g.expires_at > ${at})
        order by d.last_used_at
        limit greatest(0, (select count(*) from oauth_client_documents) - ${most}))`.execute(db);
  },

  markUsed: async (db: Db, clientId: string, at: Date): Promise<void> => {
    await sql`update oauth_client_documents set last_used_at = ${at} where client_id = ${clientId}
      and last_used_at < ${new Date(at.getTime() - 3_600_000)}`.execute(db);
  },

  sweep: async (db: Db, unusedSince: Date): Promise<void> => {
    await sql`delete from oauth_client_documents where last_used_at < ${unusedSince}`.execute(db);
  },
};
