-- MCP servers behind this one, their tools, sign-ins at them, and calls.

create table tools_servers (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  -- Name space of its tools; it stays, because clients know them by it.
  slug text not null,
  name text not null,
  description text not null default '',
  transport text not null check (transport in ('http', 'stdio')),
  url text,
  -- An operator let it have an address that is not public.
  allow_private boolean not null default false,
  command text,
  -- Arguments, environment and headers as one sealed document.
  sealed text,
  env_names text[] not null default '{}',
  header_names text[] not null default '{}',
  auth text not null check (auth in ('none', 'headers', 'oauth_person', 'oauth_org')),
  enabled boolean not null default true,
  default_policy text not null check (default_policy in ('allow', 'ask', 'deny')),
  approver_id uuid,
  timeout_s int not null,
  max_result_bytes int not null,
  idle_s int not null,
  keep_arguments boolean not null default false,
  pass_resources boolean not null default false,
  pass_prompts boolean not null default false,
  state text not null default 'new' check (state in ('new', 'ok', 'failing', 'sign_in_needed')),
  last_error text,
  stderr_tail text,
  server_name text,
  server_version text,
  protocol_version text,
  seen_at timestamptz,
  failures int not null default 0,
  next_attempt_at timestamptz,
  -- Counts what sessions depend on: a session of an earlier one is closed.
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, slug),
  check (case transport when 'http' then url is not null and command is null
    else command is not null and url is null and auth = 'none' end)
);

create table tools_definitions (
  id uuid primary key,
  org_id uuid not null,
  server_id uuid not null references tools_servers on delete cascade,
  name text not null,
  -- What a person approved, and what the server has now. Fingerprints are SHA-256 of the canonical form.
  approved jsonb,
  approved_fingerprint text,
  approved_by_id uuid,
  approved_by_name text,
  approved_at timestamptz,
  found jsonb not null,
  found_fingerprint text not null,
  found_at timestamptz not null,
  present boolean not null default true,
  listed boolean not null default true,
  policy text check (policy in ('allow', 'ask', 'deny')),
  role_policies jsonb not null default '[]',
  alias text,
  description_override text,
  version int not null default 1,
  unique (server_id, name)
);
-- Offered names are one's own within the name space.
create unique index tools_definitions_offered on tools_definitions (server_id, coalesce(alias, name));
create index tools_definitions_org on tools_definitions (org_id, name, id);

-- Tokens of a person, or of the organisation when user_id is null.
create table tools_connections (
  id uuid primary key,
  org_id uuid not null,
  server_id uuid not null references tools_servers on delete cascade,
  user_id uuid,
  -- What the official client keeps: registration, tokens, discovery; one sealed document.
  sealed text not null,
  connected boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index tools_connections_of on tools_connections
  (server_id, coalesce(user_id, '00000000-0000-0000-0000-000000000000'));
create index tools_connections_user on tools_connections (user_id);

-- Sign-ins that have begun: the browser comes back with the state, of which the SHA-256 is kept.
create table tools_sign_ins (
  state_hash text primary key,
  org_id uuid not null,
  server_id uuid not null references tools_servers on delete cascade,
  user_id uuid,
  started_by uuid not null,
  sealed text not null,
  expires_at timestamptz not null
);

create table tools_calls (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  server_id uuid references tools_servers on delete set null,
  server_slug text not null,
  tool_id uuid references tools_definitions on delete set null,
  tool text not null,
  fingerprint text,
  state text not null check (state in ('waiting', 'approved', 'running', 'succeeded', 'failed', 'refused', 'denied',
    'expired', 'cancelled', 'timeout', 'interrupted')),
  reason text,
  detail text,
  policy text not null,
  approver_id uuid,
  by_type actor_type not null,
  by_id uuid,
  by_name text not null,
  door text not null,
  argument_bytes int not null,
  -- Keyed digest: a repeat of a call that waits joins it.
  arguments_digest text not null,
  arguments jsonb,
  -- Until a call that waits has been made.
  sealed_arguments text,
  -- Of calls that waited, for a day.
  sealed_result text,
  result_bytes bigint,
  cut boolean not null default false,
  delivered boolean not null default false,
  -- The process of the server that makes it, and until when that is to be believed.
  holder uuid,
  overdue_at timestamptz,
  duration_ms int,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz
);
create index tools_calls_org on tools_calls (org_id, created_at desc, id desc);
create index tools_calls_by on tools_calls (org_id, by_id, created_at desc, id desc);
create index tools_calls_open on tools_calls (overdue_at) where state in ('waiting', 'approved', 'running');
create index tools_calls_same on tools_calls (by_id, arguments_digest) where sealed_arguments is not null or sealed_result is not null;
create index tools_calls_ended on tools_calls (ended_at) where ended_at is not null;
create index tools_calls_server on tools_calls (server_id);
create index tools_calls_tool on tools_calls (tool_id);
