import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

/** Who is to sign. */
export interface Signer {
  org_id: string;
  id: string;
  kind: 'agent' | 'person';
}

export interface SigningRequestRow {
  id: string;
  org_id: string;
  /** One of the two is to sign. */
  agent_id: string | null;
  user_id: string | null;
  /** Who asked a person. */
  asker_type: 'user' | 'agent' | 'device' | 'service' | null;
  asker_id: string | null;
  asker_name: string | null;
  message: string;
  nonce: string;
  status: 'pending' | 'completed' | 'expired' | 'declined' | 'cancelled';
  signature: string | null;
  valid: boolean | null;
  /** The key that the signature was checked against. */
  fingerprint: string | null;
  public_key: string | null;
  created_at: Date;
  expires_at: Date;
  completed_at: Date | null;
  /** Of the person behind the agent, or of the one who is to sign, where they said something. */
  decision: 'approved' | 'declined' | null;
  decided_at: Date | null;
}

/** A request whose time is over is expired, whether its timer has come round or not. */
const columns = (now: Date) => sql`s.id, s.org_id, s.agent_id, s.user_id, s.asker_type, s.asker_id,
  coalesce((select name from identity_users where id = s.asker_id), (select name from identity_agents where id = s.asker_id)) as asker_name,
  s.message, s.nonce::text as nonce,
  case when s.status = 'pending' and s.expires_at <= ${now} then 'expired' else s.status end as status,
  s.signature, s.valid, s.fingerprint, coalesce(
    (select k.public_key from identity_agent_keys k where k.fingerprint = s.fingerprint),
    (select k.public_key from identity_personal_keys k where k.fingerprint = s.fingerprint)) as public_key,
  s.created_at, s.expires_at, s.completed_at, s.decision, s.decided_at`;

const signedBy = ({ org_id, id, kind }: Signer) =>
  kind === 'person'
    ? sql`s.org_id = ${org_id} and s.user_id = ${id}`
    : sql`s.org_id = ${org_id} and s.agent_id = ${id}`;
const askedBy = ({ org_id, id }: Asker) => sql`s.org_id = ${org_id} and s.asker_id = ${id}`;

type Asker = Pick<Signer, 'org_id' | 'id'>;

interface SigningFilter {
  /** Whose requests: those that are to be signed, or those that were asked for. */
  of: Signer;
  asked: boolean;
  status: readonly string[] | null;
  now: Date;
}

const filtered = ({ of, asked, status, now }: SigningFilter) => sql`from (
    select ${columns(now)} from identity_signing_requests s where ${asked ? askedBy(of) : signedBy(of)}) r
  where (${status}::text[] is null or r.status = any(${status}::text[]))`;

/** Messages that wait for a signature, and those that got one. */
export const signingRequestsStore = {
  countPending: async (db: Db, signer: Signer, now: Date): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from identity_signing_requests s
        where ${signedBy(signer)} and s.status = 'pending' and s.expires_at > ${now}`.execute(db)
    ).rows[0]!.n,

  /** What somebody asked people to sign and waits, counted while nobody else asks in their name. */
  countAsked: async (db: Db, asker: Asker, now: Date): Promise<number> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`identity signing asked ${asker.id}`}, 0))`.execute(db);
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from identity_signing_requests s
      where ${askedBy(asker)} and s.status = 'pending' and s.expires_at > ${now}`.execute(db);
    return rows[0]!.n;
  },

  insert: async (
    db: Db,
    request: Pick<SigningRequestRow, 'id' | 'org_id' | 'message' | 'nonce' | 'created_at' | 'expires_at'> & {
      workflow_id: string;
    } & (
        | Record<'agent_id', string>
        | { user_id: string; asker_type: NonNullable<SigningRequestRow['asker_type']>; asker_id: string }
      ),
  ): Promise<void> => {
    const r = { agent_id: null, user_id: null, asker_type: null, asker_id: null, ...request };
    await sql`insert into identity_signing_requests
        (id, org_id, agent_id, user_id, asker_type, asker_id, message, nonce, workflow_id, created_at, expires_at)
      values (${r.id}, ${r.org_id}, ${r.agent_id}, ${r.user_id}, ${r.asker_type}::actor_type, ${r.asker_id},
        ${r.message}, ${r.nonce}, ${r.workflow_id}, ${r.created_at}, ${r.expires_at})`.execute(db);
  },

  /** For whoever is to sign, or asked for it. */
  find: async (db: Db, of: Signer, id: string, now: Date): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        where ((${signedBy(of)}) or (${askedBy(of)})) and s.id = ${id}`.execute(db)
    ).rows[0] ?? null,

  lock: async (db: Db, signer: Signer, id: string, now: Date): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        where ${signedBy(signer)} and s.id = ${id} for update of s`.execute(db)
    ).rows[0] ?? null,

  lockAsked: async (db: Db, asker: Asker, id: string, now: Date): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        where ${askedBy(asker)} and s.id = ${id} for update of s`.execute(db)
    ).rows[0] ?? null,

  cancel: async (db: Db, orgId: string, id: string, at: Date): Promise<void> => {
    await sql`update identity_signing_requests set status = 'cancelled', completed_at = ${at}
      where org_id = ${orgId} and id = ${id} and status = 'pending'`.execute(db);
  },

  /** What waits for somebody who is gone, and what they asked for. */
  cancelOf: async (db: Db, userId: string, at: Date): Promise<void> => {
    await sql`update identity_signing_requests set status = 'cancelled', completed_at = ${at}
      where status = 'pending' and (user_id = ${userId} or asker_id = ${userId})`.execute(db);
  },

  page: async (
    db: Db,
    filter: SigningFilter & { after: Position<Date> | null; limit: number },
  ): Promise<SigningRequestRow[]> => {
    const { after, limit } = filter;
    return (
      await sql<SigningRequestRow>`select * ${filtered(filter)}
          and (${after?.value ?? null}::timestamptz is null or (r.created_at, r.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by r.created_at desc, r.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  count: async (db: Db, filter: SigningFilter): Promise<number> =>
    (await sql<{ n: number }>`select count(*)::int as n ${filtered(filter)}`.execute(db)).rows[0]!.n,

  /** False when another hand was quicker, or time. */
  complete: async (
    db: Db,
    orgId: string,
    id: string,
    done: { signature: string; valid: boolean; fingerprint: string; at: Date },
  ): Promise<boolean> =>
    (
      await sql`update identity_signing_requests set status = 'completed', signature = ${done.signature},
          valid = ${done.valid}, fingerprint = ${done.fingerprint}, completed_at = ${done.at}
        where org_id = ${orgId} and id = ${id} and status = 'pending' and expires_at > ${done.at}
        returning id`.execute(db)
    ).rows.length > 0,

  /** A request that this person is to sign, or of an agent that they stand behind, held. */
  lockForDecision: async (
    db: Db,
    orgId: string,
    personId: string,
    id: string,
    now: Date,
  ): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        left join identity_agents a on a.org_id = s.org_id and a.id = s.agent_id
        where s.org_id = ${orgId} and s.id = ${id} and (a.owner_id = ${personId} or s.user_id = ${personId})
        for update of s`.execute(db)
    ).rows[0] ?? null,

  decide: async (
    db: Db,
    orgId: string,
    id: string,
    decision: NonNullable<SigningRequestRow['decision']>,
    at: Date,
  ): Promise<void> => {
    await sql`update identity_signing_requests set decision = ${decision}, decided_at = ${at},
        status = case when ${decision} = 'declined' then 'declined' else status end,
        completed_at = case when ${decision} = 'declined' then ${at} else completed_at end
      where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  /** Who did not sign in time; null when there is nothing to end. */
  expire: async (
    db: Db,
    orgId: string,
    id: string,
    at: Date,
  ): Promise<Pick<SigningRequestRow, 'agent_id' | 'user_id' | 'asker_id'> | null> =>
    (
      await sql<
        Pick<SigningRequestRow, 'agent_id' | 'user_id' | 'asker_id'>
      >`update identity_signing_requests set status = 'expired', completed_at = expires_at
        where org_id = ${orgId} and id = ${id} and status = 'pending' and expires_at <= ${at}
        returning agent_id, user_id, asker_id`.execute(db)
    ).rows[0] ?? null,

  due: async (db: Db, now: Date, limit: number): Promise<{ org_id: string; id: string }[]> =>
    (
      await sql<{ org_id: string; id: string }>`select org_id, id from identity_signing_requests
        where status = 'pending' and expires_at <= ${now} order by expires_at limit ${limit}`.execute(db)
    ).rows,

  /** By which key this signature was made, if it was a good one. */
  signerOf: async (
    db: Db,
    signature: string,
  ): Promise<{ fingerprint: string; org_id: string; user_id: string | null } | null> =>
    (
      await sql<{ fingerprint: string; org_id: string; user_id: string | null }>`select fingerprint, org_id, user_id
        from identity_signing_requests where signature = ${signature} and valid limit 1`.execute(db)
    ).rows[0] ?? null,

  /** Signatures stay, for whoever comes to check them. */
  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_signing_requests where status <> 'completed' and expires_at < ${before}`.execute(db);
  },
};
