-- Phones, desktops and browsers that join by a code, each with a key of its own.

-- Known to devices, which hold it against the picture they read. One row, made once for this database.
create table identity_server (
  singleton boolean primary key default true check (singleton),
  id uuid not null default gen_random_uuid()
);
insert into identity_server default values;

-- A device acts with the role of its owner, narrowed by its scopes, and only while the owner is a member.
create table identity_devices (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  user_id uuid not null references identity_users on delete cascade,
  name text not null,
  platform text not null check (platform in ('ios', 'android', 'web', 'desktop', 'linux', 'macos', 'windows')),
  platform_version text,
  model text,
  push_token text,
  public_key jsonb not null,
  -- Thumbprint of the key (RFC 7638), to which its tokens are bound.
  jkt text not null,
  scopes text[] not null,
  created_at timestamptz not null,
  last_seen_at timestamptz,
  online boolean not null default false,
  -- Since when its tokens are dead because one of them was used twice.
  needs_pairing_at timestamptz,
  revoked_at timestamptz
);
create unique index identity_devices_key on identity_devices (jkt) where revoked_at is null;
create index identity_devices_user on identity_devices (user_id, created_at desc, id desc);
create index identity_devices_org on identity_devices (org_id, created_at desc, id desc);
create index identity_devices_online on identity_devices (last_seen_at) where online;

-- Codes that let one device join. Code and pairing token are stored as keyed hashes.
create table identity_pairings (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  user_id uuid not null references identity_users on delete cascade,
  name text,
  scopes text[] not null,
  code_hash text not null unique,
  token_hash text not null unique,
  wrong_completions int not null default 0,
  device_id uuid references identity_devices on delete set null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  redeemed_at timestamptz,
  completed_at timestamptz,
  -- Taken back by its person, or tried with too many wrong proofs.
  ended_at timestamptz
);
create index identity_pairings_user on identity_pairings (user_id, expires_at);
create index identity_pairings_org on identity_pairings (org_id);
create index identity_pairings_device on identity_pairings (device_id) where device_id is not null;
create index identity_pairings_expiry on identity_pairings (expires_at);

-- How often a token of the settings was used; the settings say everything else of it.
create table identity_enrolment_tokens (
  hash text primary key,
  name text not null,
  uses int not null,
  last_used_at timestamptz not null
);

create or replace view identity_principals as
  select m.org_id, 'user'::actor_type as type, u.id, u.name, r.system as system_role, r.permissions,
         '{"kind":"org"}'::jsonb as item_scope, u.id as owner_id, (m.deactivated_at is null and u.state = 'active') as active
    from identity_members m
    join identity_users u on u.id = m.user_id
    join identity_roles r on r.id = m.role_id
  union all
  select a.org_id, a.kind as type, a.id, a.name, r.system as system_role, r.permissions,
         a.item_scope, a.owner_id, (a.deactivated_at is null and a.deleted_at is null) as active
    from identity_agents a
    join identity_roles r on r.id = a.role_id
  union all
  select d.org_id, 'device'::actor_type as type, d.id, d.name, r.system as system_role, coalesce(r.permissions, '{}') as permissions,
         '{"kind":"own"}'::jsonb as item_scope, d.user_id as owner_id,
         (d.revoked_at is null and m.user_id is not null and m.deactivated_at is null and u.state = 'active') as active
    from identity_devices d
    join identity_users u on u.id = d.user_id
    left join identity_members m on m.org_id = d.org_id and m.user_id = d.user_id
    left join identity_roles r on r.id = m.role_id;
