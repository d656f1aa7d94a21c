import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

/** Everything that identity holds about one person, in the words of its tables, without what proves who they are. */
export const exportStore = {
  account: async (db: Db, userId: string): Promise<Record<string, unknown>> =>
    (
      await sql<{ document: Record<string, unknown> }>`select jsonb_build_object(
        'account', (select to_jsonb(u) from identity_users u where u.id = ${userId}),
        'emails', (select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.added_at), '[]') from identity_emails e where e.user_id = ${userId}),
        'organisations', (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name, 'role', r.name, 'joined_at', m.joined_at,
            'last_seen_at', m.last_seen_at) order by m.joined_at), '[]')
          from identity_members m join identity_orgs o on o.id = m.org_id join identity_roles r on r.id = m.role_id where m.user_id = ${userId}),
        'teams', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'role', tm.role, 'added_at', tm.added_at)), '[]')
          from identity_team_memberships tm join identity_teams t on t.id = tm.team_id where tm.user_id = ${userId}),
        'sessions', (select coalesce(jsonb_agg(to_jsonb(s) - 'hash' - 'user_id' order by s.created_at), '[]') from identity_sessions s where s.user_id = ${userId}),
        'api_keys', (select coalesce(jsonb_agg(to_jsonb(k) - 'hash' - 'user_id' order by k.created_at), '[]') from identity_api_keys k where k.user_id = ${userId}),
        'passkeys', (select coalesce(jsonb_agg(to_jsonb(p) - 'public_key' - 'user_id' order by p.created_at), '[]') from identity_passkeys p where p.user_id = ${userId}),
        'signing_keys', (select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.created_at), '[]') from identity_personal_keys k where k.user_id = ${userId}),
        'signing_requests', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'message', s.message, 'status', s.status, 'signature', s.signature,
            'fingerprint', s.fingerprint, 'created_at', s.created_at) order by s.created_at), '[]')
          from identity_signing_requests s where s.user_id = ${userId}),
        'authenticator', (select jsonb_build_object('created_at', t.created_at, 'confirmed_at', t.confirmed_at) from identity_totp t where t.user_id = ${userId}),
        'linked_logins', (select coalesce(jsonb_agg(jsonb_build_object('provider', p.name, 'subject', l.subject, 'label', l.label,
            'email_at_link', l.email_at_link, 'created_at', l.created_at, 'last_used_at', l.last_used_at)), '[]')
          from identity_user_logins l join identity_providers p on p.id = l.provider_id where l.user_id = ${userId}),
        'agents', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'created_at', a.created_at)), '[]')
          from identity_agents a where a.owner_id = ${userId} and a.deleted_at is null),
        'devices', (select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' - 'push_token' order by d.created_at), '[]') from identity_devices d where d.user_id = ${userId}),
        'invitations_sent', (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'email', i.email, 'created_at', i.created_at)), '[]')
          from identity_invitations i where i.created_by_type = 'user' and i.created_by_id = ${userId})
      ) as document`.execute(db)
    ).rows[0]!.document,
};
