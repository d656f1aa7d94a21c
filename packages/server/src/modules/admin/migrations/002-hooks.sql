-- Endpoints that systems outside send to, what came in, and what waits for devices.

create table admin_hooks (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  kind text not null check (kind in ('activity', 'notify', 'event')),
  event text check ((event is null) = (kind <> 'event')),
  proof text not null check (proof in ('signature', 'secret')),
  -- Needed in clear to check a signature; encrypted under the master key.
  secret_sealed text not null,
  channel_id uuid,
  enabled boolean not null default true,
  received int not null default 0,
  refused int not null default 0,
  last_at timestamptz,
  last_error text,
  created_by_type text not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null
);
create unique index admin_hooks_name on admin_hooks (org_id, lower(name));
create index admin_hooks_made on admin_hooks (org_id, created_at desc, id desc);

-- Ids of messages that came, so that a repeat does nothing.
create table admin_hook_messages (
  hook_id uuid not null references admin_hooks on delete cascade,
  message_id text not null,
  receipt jsonb not null,
  at timestamptz not null,
  primary key (hook_id, message_id)
);
create index admin_hook_messages_at on admin_hook_messages (at);

create table admin_hook_notices (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  type text not null,
  data jsonb not null,
  from_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index admin_hook_notices_org on admin_hook_notices (org_id);
create index admin_hook_notices_expiry on admin_hook_notices (expires_at);

-- A row for each device that has not said yet that it has the notice.
create table admin_hook_targets (
  notice_id uuid not null references admin_hook_notices on delete cascade,
  device_id uuid not null references identity_devices on delete cascade,
  primary key (notice_id, device_id)
);
create index admin_hook_targets_device on admin_hook_targets (device_id, notice_id);
