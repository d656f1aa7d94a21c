import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ItemScope } from '../../platform/operations/caller.ts';

type Db = Kysely<Schema>;

export interface SubjectProfile {
  id: string;
  name: string;
  email: string | null;
  email_verified: boolean;
}

export interface SubjectOrg {
  id: string;
  name: string;
  is_personal: boolean;
  role: string;
}

/** What an app learns of the person who opens it. */
export interface PersonFacts {
  /** Verified; an address that nobody proved could be anybody's. */
  email: string | null;
  teams: { id: string; slug: string }[];
}

/** An agent, device or service as a client of the authorization server. */
export interface AgentClient {
  id: string;
  org_id: string;
  kind: 'agent' | 'device' | 'service';
  name: string;
  client_id: string;
  client_secret_hash: string;
  scopes: string[];
  /** The key pair that it owns, if any; `registered` when it came in by it. */
  public_key: string | null;
  fingerprint: string | null;
  key_origin: 'registered' | 'attached' | null;
}

/** A paired device, while it may act. */
export interface SubjectDevice {
  id: string;
  org_id: string;
  user_id: string;
  name: string;
  scopes: string[];
  /** Thumbprint of its key. */
  jkt: string;
}

/** An agent that somebody is asked to act through. */
export interface NamedAgent {
  id: string;
  org_id: string;
  kind: 'agent' | 'device' | 'service';
  name: string;
  client_id: string;
  owner_name: string | null;
  role_name: string;
  scopes: string[];
  item_scope: ItemScope;
}

const one = <T>(rows: T[]): T | null => rows[0] ?? null;

/** Answers about principals for a module that issues tokens. Each takes the connection, so that it can read in a transaction. */
export const subjectsStore = {
  /** An active person. */
  profile: async (db: Db, userId: string): Promise<SubjectProfile | null> =>
    one(
      (
        await sql<SubjectProfile>`select u.id, u.name, e.address as email, e.verified_at is not null as email_verified
          from identity_users u left join identity_emails e on e.user_id = u.id and e.is_primary
          where u.id = ${userId} and u.state = 'active'`.execute(db)
      ).rows,
    ),

  personFacts: async (db: Db, orgId: string, userId: string): Promise<PersonFacts> =>
    (
      await sql<PersonFacts>`select
          (select address from identity_emails where user_id = ${userId} and is_primary and verified_at is not null) as email,
          coalesce((select json_agg(json_build_object('id', t.id, 'slug', t.slug) order by t.slug)
            from identity_team_memberships tm join identity_teams t on t.id = tm.team_id
            where tm.org_id = ${orgId} and tm.user_id = ${userId}), '[]') as teams`.execute(db)
    ).rows[0]!,

  /** Organisations that a person is an active member of, shared ones first. */
  orgs: async (db: Db, userId: string): Promise<SubjectOrg[]> =>
    (
      await sql<SubjectOrg>`select o.id, o.name, o.is_personal, r.name as role
        from identity_members m join identity_orgs o on o.id = m.org_id join identity_roles r on r.id = m.role_id
        join identity_users u on u.id = m.user_id and u.state = 'active'
        where m.user_id = ${userId} and m.deactivated_at is null
        order by o.is_personal, lower(o.name), o.id`.execute(db)
    ).rows,

  agentClient: async (db: Db, clientId: string): Promise<AgentClient | null> =>
    one(
      (
        await sql<AgentClient>`select a.id, a.org_id, a.kind::text as kind, a.name, a.client_id, a.client_secret_hash,
            a.scopes, k.public_key, k.fingerprint, k.origin as key_origin
          from identity_agents a
          left join identity_agent_keys k on k.agent_id = a.id and k.replaced_at is null
          where a.client_id = ${clientId} and a.deactivated_at is null and a.deleted_at is null`.execute(db)
      ).rows,
    ),

  /** Null as soon as it is shut out, or its owner is no active member. Whoever shuts it out waits for this transaction. */
  device: async (db: Db, id: string): Promise<SubjectDevice | null> =>
    one(
      (
        await sql<SubjectDevice>`select d.id, d.org_id, d.user_id, d.name, d.scopes, d.jkt from identity_devices d
          join identity_principals p on p.org_id = d.org_id and p.id = d.id and p.active
          where d.id = ${id} and d.needs_pairing_at is null for share of d`.execute(db)
      ).rows,
    ),

  publicKey: async (db: Db, fingerprint: string): Promise<string | null> =>
    one(
      (
        await sql<{ public_key: string }>`select public_key from identity_agent_keys
          where fingerprint = ${fingerprint}`.execute(db)
      ).rows,
    )?.public_key ?? null,

  /** By its id, or by that of its client. */
  namedAgent: async (db: Db, ref: string): Promise<NamedAgent | null> =>
    one(
      (
        await sql<NamedAgent>`select a.id, a.org_id, a.kind::text as kind, a.name, a.client_id, u.name as owner_name,
            r.name as role_name, a.scopes, a.item_scope
          from identity_agents a join identity_roles r on r.id = a.role_id left join identity_users u on u.id = a.owner_id
          where (a.id::text = ${ref} or a.client_id = ${ref}) and a.deactivated_at is null and a.deleted_at is null`.execute(
          db,
        )
      ).rows,
    ),

  /** How and when the person of a live session signed in. */
  sessionFacts: async (db: Db, sessionId: string): Promise<{ amr: string[]; auth_time: Date } | null> =>
    one(
      (
        await sql<{ amr: string[]; auth_time: Date }>`select amr, auth_time from identity_sessions
          where id = ${sessionId} and revoked_at is null`.execute(db)
      ).rows,
    ),

  byVerifiedEmail: async (db: Db, email: string): Promise<string | null> =>
    one(
      (
        await sql<{ id: string }>`select u.id from identity_emails e
          join identity_users u on u.id = e.user_id and u.state = 'active'
          where lower(e.address) = lower(${email}) and e.verified_at is not null`.execute(db)
      ).rows,
    )?.id ?? null,

  /** Whether any account has the address, verified or not. */
  emailTaken: async (db: Db, email: string): Promise<boolean> =>
    (await sql`select from identity_emails where lower(address) = lower(${email})`.execute(db)).rows.length > 0,
};

export type Subjects = typeof subjectsStore;
