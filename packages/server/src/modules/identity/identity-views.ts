import type { Actor, AgentView, Device, OrgView, ProviderPreset, SystemRole } from '@atrium/protocol';
import type { AgentRow } from './agents-store.ts';
import type { DeviceRow } from './devices-store.ts';
import type { EmailRow } from './emails-store.ts';
import type { InvitationRow } from './invitations-store.ts';
import type { KeyRow } from './keys-store.ts';
import type { LoginRow } from './logins-store.ts';
import type { MemberRow } from './members-store.ts';
import type { OrgMembershipRow, OrgRow } from './orgs-store.ts';
import type { PasskeyRow } from './passkeys-store.ts';
import type { SessionRow } from './sessions-store.ts';
import type { TeamRow } from './teams-store.ts';
import type { UserRow } from './users-store.ts';

/* Rows as the contract shows them. */

const text = (at: Date | null): string | null => at?.toISOString() ?? null;

const roleRef = (row: { role_id: string; role_name: string; role_system: SystemRole | null }) => ({
  id: row.role_id,
  name: row.role_name,
  system: row.role_system,
});

export const userView = ({ id, name, email, email_verified, created_at }: UserRow) => ({
  ...{ id, name, email, email_verified },
  created_at: created_at.toISOString(),
});

export const orgView = (row: OrgRow): OrgView => ({
  id: row.id,
  name: row.name,
  slug: row.slug,
  is_personal: row.is_personal,
  created_at: row.created_at.toISOString(),
});

export const orgMembershipView = (row: OrgMembershipRow) => ({ ...orgView(row), role: roleRef(row) });

export const memberView = (row: MemberRow) => ({
  user_id: row.user_id,
  email: row.email,
  name: row.name,
  role: roleRef(row),
  teams: row.teams,
  joined_at: row.joined_at.toISOString(),
  last_seen_at: text(row.last_seen_at),
  deactivated_at: text(row.deactivated_at),
});

export const teamView = (row: TeamRow) => ({ ...row, created_at: row.created_at.toISOString() });

export const sessionView = (row: SessionRow, currentId: string | null) => ({
  id: row.id,
  current: row.id === currentId,
  ip: row.ip,
  user_agent: row.user_agent,
  org: { id: row.org_id, name: row.org_name },
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
});

export const keyView = (row: KeyRow) => ({
  ...row,
  created_at: row.created_at.toISOString(),
  expires_at: text(row.expires_at),
  last_used_at: text(row.last_used_at),
});

const invitationState = (row: InvitationRow, now: Date): 'active' | 'used_up' | 'expired' | 'revoked' => {
  if (row.revoked_at !== null) return 'revoked';
  if (row.max_uses !== null && row.uses >= row.max_uses) return 'used_up';
  return row.expires_at <= now ? 'expired' : 'active';
};

export const invitationView = (row: InvitationRow, now: Date) => ({
  id: row.id,
  email: row.email,
  role: roleRef(row),
  team: row.team_id === null ? null : { id: row.team_id, name: row.team_name! },
  max_uses: row.max_uses,
  uses: row.uses,
  expires_at: row.expires_at.toISOString(),
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  state: invitationState(row, now),
});

const ownerOf = (row: AgentRow): Actor =>
  row.owner_id === null
    ? { type: 'system', id: null, name: 'Atrium' }
    : { type: 'user', id: row.owner_id, name: row.owner_name ?? '' };

export const agentView = (row: AgentRow, now: Date): AgentView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  kind: row.kind,
  client_id: row.client_id,
  role: roleRef(row),
  scopes: row.scopes,
  item_scope:
    row.item_scope.kind === 'channels'
      ? { kind: 'channels', channel_ids: [...row.item_scope.channel_ids] }
      : row.item_scope,
  owner: ownerOf(row),
  key_prefix: row.key_prefix,
  fingerprint: row.fingerprint,
  created_at: row.created_at.toISOString(),
  first_seen_at: text(row.first_seen_at),
  last_seen_at: text(row.last_seen_at),
  last_tool: row.last_tool,
  last_client: row.last_client,
  calls_total: row.calls_total,
  // The counter is reset by the first call of a day; until then it belongs to another day.
  calls_today: row.calls_day === now.toISOString().slice(0, 10) ? row.calls_today : 0,
  deactivated_at: text(row.deactivated_at),
});

export const passkeyView = (row: PasskeyRow) => ({
  id: row.id,
  name: row.name,
  backed_up: row.backed_up,
  created_at: row.created_at.toISOString(),
  last_used_at: text(row.last_used_at),
  regressed_at: text(row.regressed_at),
});

export const emailView = (row: EmailRow) => ({
  id: row.id,
  address: row.address,
  verified_at: text(row.verified_at),
  primary: row.is_primary,
  added_at: row.added_at.toISOString(),
});

export const loginView = (row: LoginRow) => ({
  id: row.id,
  provider: { slug: row.slug, name: row.provider_name, preset: row.preset as ProviderPreset },
  label: row.label,
  created_at: row.created_at.toISOString(),
  last_used_at: text(row.last_used_at),
});

export const deviceView = (row: DeviceRow): Device => ({
  ...{ id: row.id, name: row.name, platform: row.platform, platform_version: row.platform_version, model: row.model },
  owner: { id: row.user_id, name: row.owner_name },
  key_fingerprint: row.jkt,
  scopes: row.scopes,
  online: row.online,
  created_at: row.created_at.toISOString(),
  last_seen_at: text(row.last_seen_at),
  needs_pairing: row.needs_pairing_at !== null,
  revoked_at: text(row.revoked_at),
});
