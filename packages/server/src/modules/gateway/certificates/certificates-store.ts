import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { Position } from '../../../platform/paging/keyset.ts';
import type { CertificateRow, ChallengeRow, HistoryRow, IssuedRow } from './certificate-rows.ts';

type Db = Kysely<Schema>;

const columns = sql`id, names, issuer, state, managed, chain, key_sealed, pins, serial, issued_by, not_before, not_after,
  renew_at, failures, last_error, warned_at, generation, ordering, order_url, order_key_sealed, created_by_type, created_by_id,
  created_by_name, created_at, updated_at`;

const likeText = (part: string): string => `%${part.replace(/[\\%_]/g, '\\$&')}%`;

export interface CertificateFilter {
  search: string | undefined;
  issuer: string | undefined;
  state: string | undefined;
}

export const certificatesStore = {
  page: async (
    db: Db,
    filter: CertificateFilter,
    after: Position<Date> | null,
    limit: number,
  ): Promise<CertificateRow[]> =>
    (
      await sql<CertificateRow>`select ${columns} from gateway_certificates
        where (${filter.search ?? null}::text is null
            or exists (select 1 from unnest(names) n where n ilike ${likeText(filter.search ?? '')}))
          and (${filter.issuer ?? null}::text is null or issuer = ${filter.issuer ?? null})
          and (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
          and (${after?.value ?? null}::timestamptz is null
            or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  find: async (db: Db, id: string, lock = false): Promise<CertificateRow | null> =>
    (
      await sql<CertificateRow>`select ${columns} from gateway_certificates where id = ${id}
        ${lock ? sql`for update` : sql``}`.execute(db)
    ).rows[0] ?? null,

  /** Those that are served. */
  active: async (db: Db): Promise<CertificateRow[]> =>
    (
      await sql<CertificateRow>`select ${columns} from gateway_certificates where state = 'active'
        order by not_after desc, id`.execute(db)
    ).rows,

  all: async (db: Db): Promise<CertificateRow[]> =>
    (await sql<CertificateRow>`select ${columns} from gateway_certificates order by created_at, id`.execute(db)).rows,

  due: async (db: Db, now: Date): Promise<CertificateRow[]> =>
    (
      await sql<CertificateRow>`select ${columns} from gateway_certificates
        where renew_at <= ${now} order by renew_at limit 50`.execute(db)
    ).rows,

  /** Those that end soon although somebody, or the server, should have renewed them, and of which nobody was told. */
  ending: async (db: Db, before: Date): Promise<CertificateRow[]> =>
    (
      await sql<CertificateRow>`select ${columns} from gateway_certificates
        where not_after < ${before} and warned_at is null and (issuer = 'uploaded' or failures > 0) limit 50`.execute(
        db,
      )
    ).rows,

  insert: async (db: Db, row: CertificateRow): Promise<void> => {
    await sql`insert into gateway_certificates (${columns}) values (${row.id}, ${row.names}, ${row.issuer}, ${row.state},
      ${row.managed}, ${row.chain}, ${row.key_sealed}, ${row.pins}, ${row.serial}, ${row.issued_by}, ${row.not_before},
      ${row.not_after}, ${row.renew_at}, ${row.failures}, ${row.last_error}, ${row.warned_at}, ${row.generation},
      ${row.ordering}, ${row.order_url}, ${row.order_key_sealed}, ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name},
      ${row.created_at}, ${row.updated_at})`.execute(db);
  },

  /** Puts a new chain and key in the place of what there was, and ends the order that brought it. */
  issue: async (db: Db, id: string, issued: IssuedRow, now: Date): Promise<CertificateRow | null> =>
    (
      await sql<CertificateRow>`update gateway_certificates set names = ${issued.names}, state = 'active',
          chain = ${issued.chain}, key_sealed = ${issued.key_sealed}, pins = ${issued.pins}, serial = ${issued.serial},
          issued_by = ${issued.issued_by}, not_before = ${issued.not_before}, not_after = ${issued.not_after},
          renew_at = ${issued.renew_at}, ordering = false, failures = 0, last_error = null, warned_at = null, order_url = null,
          order_key_sealed = null, updated_at = ${now}
        where id = ${id} returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  /** Begins another order; jobs of earlier ones find that they are late. `again`: when it is begun anew if its job is lost. */
  beginOrder: async (db: Db, id: string, now: Date, again: Date): Promise<number> =>
    (
      await sql<{
        generation: number;
      }>`update gateway_certificates set generation = generation + 1, ordering = true, renew_at = ${again},
          state = case when chain is null then 'pending' else state end, updated_at = ${now}
        where id = ${id} returning generation`.execute(db)
    ).rows[0]!.generation,

  noteOrder: async (db: Db, id: string, url: string, keySealed: string): Promise<void> => {
    await sql`update gateway_certificates set order_url = ${url}, order_key_sealed = ${keySealed} where id = ${id}`.execute(
      db,
    );
  },

  /** Whoever deleted or ordered it again meanwhile keeps the word. */
  failOrder: async (
    db: Db,
    failed: { id: string; generation: number; error: string; again_at: Date },
    now: Date,
  ): Promise<CertificateRow | null> =>
    (
      await sql<CertificateRow>`update gateway_certificates set failures = failures + 1, last_error = ${failed.error},
          renew_at = ${failed.again_at}, ordering = false, state = case when chain is null then 'failed' else state end, updated_at = ${now}
        where id = ${failed.id} and generation = ${failed.generation} returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  markWarned: async (db: Db, id: string, now: Date): Promise<boolean> =>
    Number(
      (await sql`update gateway_certificates set warned_at = ${now} where id = ${id} and warned_at is null`.execute(db))
        .numAffectedRows ?? 0n,
    ) === 1,

  delete: async (db: Db, id: string): Promise<void> => {
    await sql`delete from gateway_certificates where id = ${id}`.execute(db);
  },

  addHistory: async (db: Db, row: HistoryRow): Promise<void> => {
    await sql`insert into gateway_certificate_events (id, certificate_id, names, act, reason, actor_type, actor_id,
        actor_name, at)
      values (${row.id}, ${row.certificate_id}, ${row.names}, ${row.act}, ${row.reason}, ${row.actor_type},
        ${row.actor_id}, ${row.actor_name}, ${row.at})`.execute(db);
  },

  history: async (
    db: Db,
    certificateId: string | undefined,
    after: Position<Date> | null,
    limit: number,
  ): Promise<HistoryRow[]> =>
    (
      await sql<HistoryRow>`select id, certificate_id, names, act, reason, actor_type, actor_id, actor_name, at
        from gateway_certificate_events
        where (${certificateId ?? null}::uuid is null or certificate_id = ${certificateId ?? null}::uuid)
          and (${after?.value ?? null}::timestamptz is null
            or (at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  pruneHistory: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from gateway_certificate_events where at < ${before}`.execute(db);
  },

  authority: async (db: Db): Promise<{ certificate: string; key_sealed: string } | null> =>
    (
      await sql<{ certificate: string; key_sealed: string }>`
        select certificate, key_sealed from gateway_certificate_authority`.execute(db)
    ).rows[0] ?? null,

  insertAuthority: async (db: Db, certificate: string, keySealed: string, now: Date): Promise<void> => {
    await sql`insert into gateway_certificate_authority (certificate, key_sealed, created_at)
      values (${certificate}, ${keySealed}, ${now}) on conflict do nothing`.execute(db);
  },

  /** One process at a time looks whether the server needs certificates of its own. */
  lock: async (db: Db): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended('gateway_certificates', 0))`.execute(db);
  },

  account: async (db: Db, directory: string): Promise<{ url: string | null; key_sealed: string } | null> =>
    (
      await sql<{ url: string | null; key_sealed: string }>`
        select url, key_sealed from gateway_acme_accounts where directory = ${directory}`.execute(db)
    ).rows[0] ?? null,

  insertAccount: async (db: Db, directory: string, keySealed: string, now: Date): Promise<void> => {
    await sql`insert into gateway_acme_accounts (directory, key_sealed, created_at)
      values (${directory}, ${keySealed}, ${now}) on conflict do nothing`.execute(db);
  },

  noteAccount: async (db: Db, directory: string, url: string): Promise<void> => {
    await sql`update gateway_acme_accounts set url = ${url} where directory = ${directory}`.execute(db);
  },

  putChallenge: async (db: Db, row: ChallengeRow): Promise<void> => {
    await sql`insert into gateway_acme_challenges (certificate_id, name, kind, token, answer, expires_at)
      values (${row.certificate_id}, ${row.name}, ${row.kind}, ${row.token}, ${row.answer}, ${row.expires_at})
      on conflict (certificate_id, name) do update set kind = excluded.kind, token = excluded.token,
        answer = excluded.answer, expires_at = excluded.expires_at`.execute(db);
  },

  challenges: async (db: Db, now: Date): Promise<ChallengeRow[]> =>
    (
      await sql<ChallengeRow>`select certificate_id, name, kind, token, answer, expires_at from gateway_acme_challenges
        where expires_at > ${now}`.execute(db)
    ).rows,

  removeChallenges: async (db: Db, certificateId: string): Promise<void> => {
    await sql`delete from gateway_acme_challenges where certificate_id = ${certificateId}`.execute(db);
  },

  removeExpiredChallenges: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from gateway_acme_challenges where expires_at <= ${now}`.execute(db);
  },

  /** Hosts that routes claim for themselves. */
  routeHosts: async (db: Db): Promise<string[]> =>
    (
      await sql<{
        host: string;
      }>`select distinct host from gateway_claims where host <> '' order by host limit 2000`.execute(db)
    ).rows.map(({ host }) => host),

  resealCertificate: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_certificates set key_sealed = ${after} where id = ${id} and key_sealed = ${before}`.execute(
      db,
    );
  },
  resealOrder: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_certificates set order_key_sealed = ${after}
      where id = ${id} and order_key_sealed = ${before}`.execute(db);
  },
  resealAuthority: async (db: Db, before: string, after: string): Promise<void> => {
    await sql`update gateway_certificate_authority set key_sealed = ${after} where key_sealed = ${before}`.execute(db);
  },
  accounts: async (db: Db): Promise<{ directory: string; key_sealed: string }[]> =>
    (
      await sql<{ directory: string; key_sealed: string }>`
        select directory, key_sealed from gateway_acme_accounts`.execute(db)
    ).rows,
  resealAccount: async (db: Db, directory: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_acme_accounts set key_sealed = ${after}
      where directory = ${directory} and key_sealed = ${before}`.execute(db);
  },
};
