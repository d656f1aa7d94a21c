import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface SigningRequestRow {
  id: string;
  org_id: string;
  agent_id: string;
  message: string;
  nonce: string;
  status: 'pending' | 'completed' | 'expired' | 'declined';
  signature: string | null;
  valid: boolean | null;
  created_at: Date;
  expires_at: Date;
  completed_at: Date | null;
  /** Of the person behind the agent, where they were asked. */
  decision: 'approved' | 'declined' | null;
  decided_at: Date | null;
}

/** A request whose time is over is expired, whether its timer has come round or not. */
const columns = (now: Date) => sql`s.id, s.org_id, s.agent_id, s.message, s.nonce::text as nonce,
  case when s.status = 'pending' and s.expires_at <= ${now} then 'expired' else s.status end as status,
  s.signature, s.valid, s.created_at, s.expires_at, s.completed_at, s.decision, s.decided_at`;

const mine = (orgId: string, agentId: string) => sql`s.org_id = ${orgId} and s.agent_id = ${agentId}`;

interface SigningFilter {
  org_id: string;
  agent_id: string;
  status: readonly string[] | null;
  now: Date;
}

const filtered = ({ org_id, agent_id, status, now }: SigningFilter) => sql`from (
    select ${columns(now)} from identity_signing_requests s where ${mine(org_id, agent_id)}) r
  where (${status}::text[] is null or r.status = any(${status}::text[]))`;

/** Messages that wait for a signature, and those that got one. */
export const signingRequestsStore = {
  countPending: async (db: Db, orgId: string, agentId: string, now: Date): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from identity_signing_requests s
        where ${mine(orgId, agentId)} and s.status = 'pending' and s.expires_at > ${now}`.execute(db)
    ).rows[0]!.n,

  insert: async (
    db: Db,
    request: Pick<
      SigningRequestRow,
      'id' | 'org_id' | 'agent_id' | 'message' | 'nonce' | 'created_at' | 'expires_at'
    > & { workflow_id: string },
  ): Promise<void> => {
    const r = request;
    await sql`insert into identity_signing_requests
        (id, org_id, agent_id, message, nonce, workflow_id, created_at, expires_at)
      values (${r.id}, ${r.org_id}, ${r.agent_id}, ${r.message}, ${r.nonce}, ${r.workflow_id}, ${r.created_at},
        ${r.expires_at})`.execute(db);
  },

  find: async (db: Db, orgId: string, agentId: string, id: string, now: Date): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        where ${mine(orgId, agentId)} and s.id = ${id}`.execute(db)
    ).rows[0] ?? null,

  lock: async (db: Db, orgId: string, agentId: string, id: string, now: Date): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        where ${mine(orgId, agentId)} and s.id = ${id} for update`.execute(db)
    ).rows[0] ?? null,

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

  /** A request of an agent that this person stands behind, held. */
  lockOfOwner: async (
    db: Db,
    orgId: string,
    ownerId: string,
    id: string,
    now: Date,
  ): Promise<SigningRequestRow | null> =>
    (
      await sql<SigningRequestRow>`select ${columns(now)} from identity_signing_requests s
        join identity_agents a on a.org_id = s.org_id and a.id = s.agent_id
        where s.org_id = ${orgId} and s.id = ${id} and a.owner_id = ${ownerId} for update of s`.execute(db)
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

  /** The agent of a request that nobody signed in time; null when there is nothing to end. */
  expire: async (db: Db, orgId: string, id: string, at: Date): Promise<{ agent_id: string } | null> =>
    (
      await sql<{ agent_id: string }>`update identity_signing_requests set status = 'expired', completed_at = expires_at
        where org_id = ${orgId} and id = ${id} and status = 'pending' and expires_at <= ${at}
        returning agent_id`.execute(db)
    ).rows[0] ?? null,

  due: async (db: Db, now: Date, limit: number): Promise<{ org_id: string; id: string }[]> =>
    (
      await sql<{ org_id: string; id: string }>`select org_id, id from identity_signing_requests
        where status = 'pending' and expires_at <= ${now} order by expires_at limit ${limit}`.execute(db)
    ).rows,

  /** By which key this signature was made, if it was a good one. */
  signerOf: async (db: Db, signature: string): Promise<string | null> =>
    (
      await sql<{ fingerprint: string }>`select fingerprint from identity_signing_requests
        where signature = ${signature} and valid limit 1`.execute(db)
    ).rows[0]?.fingerprint ?? null,

  /** Signatures stay, for whoever comes to check them. */
  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_signing_requests where status <> 'completed' and expires_at < ${before}`.execute(db);
  },
};
