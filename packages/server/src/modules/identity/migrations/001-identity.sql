-- Who somebody is: people, organisations, agents, roles, teams, invitations, sessions, keys.

create type actor_type as enum ('user', 'agent', 'device', 'service', 'system');

create table identity_users (
  id uuid primary key,
  name text not null,
  is_operator boolean not null default false,
  state text not null default 'active' check (state in ('active', 'disabled', 'erased')),
  created_by text not null check (created_by in ('setup', 'signup', 'invite', 'jit')),
  preferences jsonb not null default '{}',
  created_at timestamptz not null,
  last_login_at timestamptz
);

create table identity_emails (
  user_id uuid not null references identity_users on delete cascade,
  address text not null,
  verified_at timestamptz,
  is_primary boolean not null default true
);
create unique index identity_emails_address on identity_emails (lower(address));
create index identity_emails_user on identity_emails (user_id);

-- Hashes of setup tokens printed by starts before the first owner existed; empty afterwards.
create table identity_setup_tokens (
  hash text primary key,
  created_at timestamptz not null
);

create table identity_passwords (
  user_id uuid primary key references identity_users on delete cascade,
  phc text not null,
  changed_at timestamptz not null,
  must_change boolean not null default false
);

create table identity_orgs (
  id uuid primary key,
  name text not null,
  slug text not null unique,
  is_personal boolean not null default false,
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  deleting_at timestamptz
);

-- System roles have no org and fixed ids, so that code and tests can name them.
create table identity_roles (
  id uuid primary key,
  org_id uuid references identity_orgs on delete cascade,
  name text not null,
  description text not null default '',
  system text check (system in ('owner', 'admin', 'member', 'viewer')),
  permissions text[] not null,
  created_at timestamptz not null,
  check ((org_id is null) = (system is not null))
);
create unique index identity_roles_name on identity_roles (coalesce(org_id, '00000000-0000-0000-0000-000000000000'), lower(name));
insert into identity_roles (id, org_id, name, description, system, permissions, created_at) values
  ('00000000-0000-7000-8000-000000000001', null, 'owner', 'Everything, including deletion and billing', 'owner', '{*}', now()),
  ('00000000-0000-7000-8000-000000000002', null, 'admin', 'Everything but deletion and billing', 'admin',
   '{org.manage,users.invite,users.remove,users.change_role,teams.create,teams.delete,teams.manage_members,channels.create,channels.delete,channels.manage,webhooks.manage,items.read,items.write,items.archive,audit.read,agents.manage}', now()),
  ('00000000-0000-7000-8000-000000000003', null, 'member', 'Reads, asks, answers and archives', 'member', '{items.read,items.write,items.archive}', now()),
  ('00000000-0000-7000-8000-000000000004', null, 'viewer', 'Reads', 'viewer', '{items.read}', now());

create table identity_members (
  org_id uuid not null references identity_orgs on delete cascade,
  user_id uuid not null references identity_users on delete cascade,
  role_id uuid not null references identity_roles,
  joined_at timestamptz not null,
  last_seen_at timestamptz,
  deactivated_at timestamptz,
  primary key (org_id, user_id)
);
create index identity_members_user on identity_members (user_id);
create index identity_members_role on identity_members (role_id);

create table identity_agents (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  kind actor_type not null default 'agent' check (kind in ('agent', 'device', 'service')),
  name text not null,
  description text not null default '',
  client_id text not null unique,
  client_secret_hash text not null,
  role_id uuid not null references identity_roles,
  scopes text[] not null,
  item_scope jsonb not null default '{"kind":"own"}',
  owner_id uuid references identity_users on delete set null,
  created_at timestamptz not null,
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  last_tool text,
  last_client text,
  calls_total bigint not null default 0,
  calls_day date,
  calls_today int not null default 0,
  deactivated_at timestamptz,
  deleted_at timestamptz,
  unique (org_id, id)
);
create unique index identity_agents_name on identity_agents (org_id, lower(name)) where deleted_at is null;

create index identity_agents_page on identity_agents (org_id, created_at desc, id desc) where deleted_at is null;

create table identity_sessions (
  id uuid primary key,
  hash text not null unique,
  user_id uuid not null references identity_users on delete cascade,
  org_id uuid not null references identity_orgs on delete cascade,
  amr text[] not null default '{}',
  auth_time timestamptz not null,
  ip text,
  user_agent text,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index identity_sessions_user on identity_sessions (user_id, created_at desc);
create index identity_sessions_expiry on identity_sessions (expires_at);
create index identity_sessions_org on identity_sessions (org_id);

-- A key acts either as its person (user_id) or as its agent (agent_id), in one organisation.
create table identity_api_keys (
  id uuid primary key,
  hash text not null unique,
  prefix text not null,
  name text not null,
  org_id uuid not null references identity_orgs on delete cascade,
  user_id uuid references identity_users on delete cascade,
  agent_id uuid references identity_agents on delete cascade,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  check ((user_id is null) <> (agent_id is null))
);
create index identity_api_keys_user on identity_api_keys (user_id, created_at desc) where user_id is not null;
create index identity_api_keys_agent on identity_api_keys (agent_id) where agent_id is not null;

create table identity_tickets (
  hash text primary key,
  credential_kind text not null check (credential_kind in ('session', 'api_key')),
  credential_id uuid not null,
  expires_at timestamptz not null
);

create table identity_teams (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  slug text not null,
  description text not null default '',
  created_at timestamptz not null,
  unique (org_id, slug),
  unique (org_id, id)
);

create unique index identity_teams_name on identity_teams (org_id, lower(name));

create table identity_team_memberships (
  org_id uuid not null,
  team_id uuid not null,
  user_id uuid not null,
  role text not null default 'member' check (role in ('lead', 'member')),
  added_at timestamptz not null,
  primary key (team_id, user_id),
  foreign key (org_id, team_id) references identity_teams (org_id, id) on delete cascade,
  foreign key (org_id, user_id) references identity_members (org_id, user_id) on delete cascade
);
create index identity_team_memberships_user on identity_team_memberships (org_id, user_id);

create table identity_invitations (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  hash text not null unique,
  email text,
  role_id uuid not null references identity_roles on delete cascade,
  team_id uuid references identity_teams on delete set null,
  max_uses int,
  uses int not null default 0,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index identity_invitations_org on identity_invitations (org_id, created_at desc, id desc);

create table identity_invitation_uses (
  invitation_id uuid not null references identity_invitations on delete cascade,
  user_id uuid not null references identity_users on delete cascade,
  used_at timestamptz not null,
  primary key (invitation_id, user_id)
);

-- Limits of an organisation; billing (a later module) writes it. Self-hosted default: unlimited.
create table identity_subscriptions (
  org_id uuid primary key references identity_orgs on delete cascade,
  plan text not null default 'unlimited',
  limits jsonb not null default '{}',
  status text not null default 'active' check (status in ('active', 'trialing', 'past_due', 'canceled', 'incomplete')),
  current_period_end timestamptz,
  cancel_at_period_end boolean not null default false
);

create table identity_usage (
  org_id uuid not null references identity_orgs on delete cascade,
  month date not null,
  key text not null,
  count bigint not null default 0,
  primary key (org_id, month, key)
);

-- Published to higher modules, which join these views and never the tables.
create view identity_principals as
  select m.org_id, 'user'::actor_type as type, u.id, u.name, r.system as system_role, r.permissions,
         '{"kind":"org"}'::jsonb as item_scope, u.id as owner_id, (m.deactivated_at is null and u.state = 'active') as active
    from identity_members m
    join identity_users u on u.id = m.user_id
    join identity_roles r on r.id = m.role_id
  union all
  select a.org_id, a.kind as type, a.id, a.name, r.system as system_role, r.permissions,
         a.item_scope, a.owner_id, (a.deactivated_at is null and a.deleted_at is null) as active
    from identity_agents a
    join identity_roles r on r.id = a.role_id;

create view identity_team_people as
  select org_id, team_id, user_id, role from identity_team_memberships;
