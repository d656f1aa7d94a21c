import { type RawBuilder, sql } from 'kysely';
import type { Db } from './db.ts';

/** Tables of the engine's models that all have one form. */
export const artefactTables = {
  AuthorizationCode: 'oauth_codes',
  RefreshToken: 'oauth_refresh_tokens',
  DeviceCode: 'oauth_device_codes',
  PushedAuthorizationRequest: 'oauth_par',
  Interaction: 'oauth_interactions',
  Session: 'oauth_engine_sessions',
  BackchannelAuthenticationRequest: 'oauth_backchannel_requests',
  RegistrationAccessToken: 'oauth_registration_tokens',
  InitialAccessToken: 'oauth_initial_tokens',
} as const;

export type ArtefactModel = keyof typeof artefactTables;

export interface ArtefactRow {
  id_hash: string;
  payload: Record<string, unknown>;
  grant_id: string | null;
  consumed_at: Date | null;
  expires_at: Date;
}

export interface ArtefactDraft {
  id_hash: string;
  payload: Record<string, unknown>;
  grant_id: string | null;
  uid: string | null;
  user_code: string | null;
  client_id: string | null;
  subject: string | null;
  expires_at: Date;
}

/** Whose it was. */
export interface SpentArtefact {
  client_id: string | null;
  subject: string | null;
  org_id: string | null;
}

export interface UnusedCodes {
  client_id: string | null;
  count: number;
}

const table = (model: ArtefactModel): RawBuilder<unknown> => sql.table(artefactTables[model]);

const first = async (db: Db, query: RawBuilder<ArtefactRow>): Promise<ArtefactRow | null> =>
  (await query.execute(db)).rows[0] ?? null;

/** Everything the engine stores with a lifetime, by the hash of its id. An expired row is absent, swept or not. */
export const artefactsStore = {
  find: (db: Db, model: ArtefactModel, hash: string, now: Date) =>
    first(
      db,
      sql<ArtefactRow>`select id_hash, payload, grant_id, consumed_at, expires_at from ${table(model)}
        where id_hash = ${hash} and expires_at > ${now}`,
    ),

  findByUid: (db: Db, model: ArtefactModel, uid: string, now: Date) =>
    first(
      db,
      sql<ArtefactRow>`select id_hash, payload, grant_id, consumed_at, expires_at from ${table(model)}
        where uid = ${uid} and expires_at > ${now}`,
    ),

  findByUserCode: (db: Db, model: ArtefactModel, userCode: string, now: Date) =>
    first(
      db,
      sql<ArtefactRow>`select id_hash, payload, grant_id, consumed_at, expires_at from ${table(model)}
        where user_code = ${userCode} and expires_at > ${now}`,
    ),

  upsert: async (db: Db, model: ArtefactModel, draft: ArtefactDraft): Promise<void> => {
    const d = draft;
    await sql`insert into ${table(model)} as t (id_hash, payload, grant_id, uid, user_code, client_id, subject, expires_at)
      values (${d.id_hash}, ${JSON.stringify(d.payload)}::jsonb, ${d.grant_id}, ${d.uid}, ${d.user_code}, ${d.client_id},
        ${d.subject}, ${d.expires_at})
      on conflict (id_hash) do update set payload = excluded.payload, grant_id = excluded.grant_id,
        uid = coalesce(excluded.uid, t.uid), user_code = coalesce(excluded.user_code, t.user_code),
        client_id = excluded.client_id, subject = excluded.subject, expires_at = excluded.expires_at`.execute(db);
  },

  /** One session has one row, also when two requests give it a new id at the same moment: the later one stays. */
  supersede: async (db: Db, uid: string, hash: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`oauth session ${uid}`}, 0))`.execute(db);
    await sql`delete from oauth_engine_sessions where uid = ${uid} and id_hash <> ${hash}`.execute(db);
  },

  /** What it was, for the one who spends it. Whoever comes second waits here for the first one's transaction, and gets null. */
  consume: async (db: Db, model: ArtefactModel, hash: string, at: Date): Promise<SpentArtefact | null> => {
    const { rows } = await sql<SpentArtefact>`update ${table(model)} t set consumed_at = ${at}
      where id_hash = ${hash} and consumed_at is null
      returning client_id, subject, (select g.org_id from oauth_grants g where g.id = t.grant_id) as org_id`.execute(
      db,
    );
    return rows[0] ?? null;
  },

  delete: async (db: Db, model: ArtefactModel, hash: string): Promise<void> => {
    await sql`delete from ${table(model)} where id_hash = ${hash}`.execute(db);
  },

  deleteOfGrant: async (db: Db, model: ArtefactModel, grantId: string): Promise<number> =>
    Number((await sql`delete from ${table(model)} where grant_id = ${grantId}`.execute(db)).numAffectedRows ?? 0n),

  /** Codes that have expired, as `sweep` removes them, with how many of each client nobody had redeemed. */
  sweepCodes: async (db: Db, before: Date, batch = 5000): Promise<{ more: boolean; unused: UnusedCodes[] }> => {
    const { rows } = await sql<UnusedCodes & { gone: number }>`with gone as (
        delete from oauth_codes where id_hash in (
          select id_hash from oauth_codes where expires_at < ${before} limit ${batch} for update skip locked)
        returning client_id, consumed_at)
      select client_id, count(*)::int as gone, count(*) filter (where consumed_at is null)::int as count
      from gone group by client_id`.execute(db);
    const gone = rows.reduce((sum, row) => sum + row.gone, 0);
    return { more: gone === batch, unused: rows.filter(({ count }) => count > 0) };
  },

  /** In batches, so that a backlog of millions holds no lock for long. Answers whether there may be more. */
  sweep: async (db: Db, model: ArtefactModel, before: Date, batch = 5000): Promise<boolean> => {
    const result = await sql`delete from ${table(model)} where id_hash in (
        select id_hash from ${table(model)} where expires_at < ${before} limit ${batch} for update skip locked)`.execute(
      db,
    );
    return Number(result.numAffectedRows ?? 0n) === batch;
  },

  /** Tokens to manage a client that is gone. Answers whether there may be more. */
  sweepOrphans: async (db: Db, batch = 5000): Promise<boolean> => {
    const result = await sql`delete from oauth_registration_tokens where id_hash in (
        select t.id_hash from oauth_registration_tokens t
        where not exists (select 1 from oauth_clients c where c.client_id = t.client_id)
        limit ${batch} for update of t skip locked)`.execute(db);
    return Number(result.numAffectedRows ?? 0n) === batch;
  },
};

/** Neither allowed nor denied yet. */
const open = sql`not (payload ? 'accountId') and not (payload ? 'error')`;

/** What only device codes have: the pace at which they may be asked for, and whose they are. */
export const deviceCodesStore = {
  /** Counts a poll; false when it came before its time, which makes the interval five seconds longer. */
  poll: async (db: Db, hash: string, now: Date): Promise<boolean> => {
    const { rows } = await sql<{ early: boolean }>`update oauth_device_codes d set polled_at = ${now},
        poll_interval_s = d.poll_interval_s + case when d.polled_at > ${now}::timestamptz - make_interval(secs => d.poll_interval_s)
          then 5 else 0 end
      from (select id_hash, polled_at > ${now}::timestamptz - make_interval(secs => poll_interval_s) as early
            from oauth_device_codes where id_hash = ${hash} for update) o
      where d.id_hash = o.id_hash returning coalesce(o.early, false) as early`.execute(db);
    return rows[0]?.early !== true;
  },

  setHint: async (db: Db, hash: string, hint: string): Promise<void> => {
    await sql`update oauth_device_codes set user_code_hint = ${hint} where id_hash = ${hash}`.execute(db);
  },

  /** Binds the code to the first who says that the device is theirs; false for everybody after. */
  claim: async (db: Db, hash: string, person: string): Promise<boolean> => {
    const result = await sql`update oauth_device_codes set claimed_by = ${person}
      where id_hash = ${hash} and claimed_by is null and ${open}`.execute(db);
    return result.numAffectedRows === 1n;
  },

  /** Takes the one decision there is, of whoever the code is bound to; `nobody`: bound before they signed in. */
  decide: async (db: Db, hash: string, person: string, nobody: string): Promise<boolean> => {
    const result = await sql`update oauth_device_codes set claimed_by = ${person}
      where id_hash = ${hash} and (claimed_by is null or claimed_by in (${person}, ${nobody})) and ${open}`.execute(db);
    return result.numAffectedRows === 1n;
  },
};
