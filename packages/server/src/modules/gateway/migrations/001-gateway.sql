-- The gateway: apps that people open, routes that lead to them, and what was found by itself.
-- The data plane never asks these tables; it reads a snapshot that is built from them (snapshot.ts).

create table gateway_apps (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  -- Apps of all organisations share one origin.
  slug text not null unique,
  name text not null,
  icon text not null default '📦',
  tags text[] not null default '{}',
  group_name text,
  description text not null default '',
  position int not null default 0,
  source text not null check (source in ('ui', 'file', 'label', 'http', 'federation')),
  source_ref text,
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, id)
);
create index gateway_apps_org on gateway_apps (org_id, group_name, position, name, id);

create table gateway_pins (
  org_id uuid not null,
  app_id uuid not null,
  principal_id uuid not null,
  pinned_at timestamptz not null,
  primary key (principal_id, app_id),
  foreign key (org_id, app_id) references gateway_apps (org_id, id) on delete cascade
);
create index gateway_pins_app on gateway_pins (app_id);

create table gateway_routes (
  id uuid primary key,
  org_id uuid not null,
  app_id uuid not null,
  slug text not null unique,
  source text not null check (source in ('ui', 'file', 'label', 'http', 'federation')),
  -- Where it is kept when that is not here: a file, a label. Such a row is changed there.
  source_ref text,
  kind text not null check (kind in ('http', 'redirect', 'not_found')),
  mode text not null check (mode in ('path', 'host', 'both')),
  path_base text,
  hosts text[] not null default '{}',
  host_path text not null default '/',
  targets jsonb not null default '[]',
  strategy text not null check (strategy in ('round_robin', 'least_requests', 'sticky')),
  redirect_to text,
  container_ref text,
  access text not null check (access in ('public', 'signed_in', 'scopes', 'people', 'share')),
  people_user_ids uuid[] not null default '{}',
  people_team_ids uuid[] not null default '{}',
  people_role_ids uuid[] not null default '{}',
  scopes text[] not null default '{}',
  trusted boolean not null default false,
  websockets boolean not null,
  strip_prefix boolean not null,
  rewrite boolean not null,
  exclude_paths text[] not null default '{}',
  rewrite_cookie_paths boolean not null,
  strip_response_cookies boolean not null,
  persist_cookies boolean not null,
  health_skip boolean not null,
  health_path text not null,
  health_interval_ms int not null,
  health_timeout_ms int not null,
  health_unhealthy_after int not null,
  health_codes int[] not null default '{}',
  timeout_connect_ms int,
  timeout_head_ms int,
  timeout_body_idle_ms int,
  timeout_client_idle_ms int,
  max_body bigint not null default 0,
  buffering boolean not null,
  compress boolean not null,
  cache boolean not null,
  preserve_host boolean not null,
  upstream_auth_kind text not null check (upstream_auth_kind in ('strip', 'pass', 'basic', 'bearer')),
  upstream_auth_user text,
  -- Sealed under the master key; aad `gateway.upstream_auth:<route id>`.
  upstream_auth_secret text,
  upstream_tls_verify boolean not null default true,
  upstream_tls_ca text,
  upstream_tls_server_name text,
  -- An operator set a target on a private address: the lanes dial such addresses for this route alone.
  allow_private boolean not null default false,
  -- In order; passwords of basic_auth stand in it as argon2id hashes.
  filters jsonb not null default '[]',
  recipe text,
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, id),
  foreign key (org_id, app_id) references gateway_apps (org_id, id) on delete cascade,
  check ((mode = 'host') = (path_base is null)),
  check (kind <> 'redirect' or redirect_to is not null)
);
create index gateway_routes_org on gateway_routes (org_id, slug);
create index gateway_routes_app on gateway_routes (app_id);

-- What a route claims, so that two of them never claim the same, whoever writes at the same time.
create table gateway_claims (
  -- '' stands for the origin of the server itself.
  host text not null,
  path text not null,
  route_id uuid not null references gateway_routes on delete cascade,
  primary key (host, path)
);
create index gateway_claims_route on gateway_claims (route_id);

create table gateway_health (
  route_id uuid not null references gateway_routes on delete cascade,
  target_url text not null,
  status text not null check (status in ('healthy', 'unhealthy', 'unknown')),
  consecutive_failures int not null default 0,
  consecutive_successes int not null default 0,
  last_error text,
  latency_ms real,
  checked_at timestamptz,
  changed_at timestamptz,
  primary key (route_id, target_url)
);

create table gateway_shares (
  id uuid primary key,
  org_id uuid not null,
  route_id uuid not null,
  name text not null,
  kind text not null check (kind in ('link', 'pin', 'passcode')),
  token_hash text not null unique,
  -- argon2id
  secret_hash text,
  uses int not null default 0,
  max_uses int check (max_uses > 0),
  failures int not null default 0,
  expires_at timestamptz not null,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  foreign key (org_id, route_id) references gateway_routes (org_id, id) on delete cascade,
  check ((kind = 'link') = (secret_hash is null))
);
create index gateway_shares_route on gateway_shares (route_id, created_at desc, id desc);

-- A browser that came through the gate of a host or by a share link. The cookie is stored as its hash.
create table gateway_visits (
  id uuid primary key,
  org_id uuid not null,
  route_id uuid references gateway_routes on delete cascade,
  host text not null,
  -- Of a person: ends with the session. Of a share: ends with the share.
  session_id uuid,
  share_id uuid references gateway_shares on delete cascade,
  state text not null check (state in ('handing_over', 'open')),
  code_hash text unique,
  cookie_hash text unique,
  browser_hash text,
  created_at timestamptz not null,
  -- Of the code while it is handed over, of the cookie afterwards.
  expires_at timestamptz not null,
  -- When the session or the share ends.
  ends_at timestamptz not null,
  check ((session_id is null) <> (share_id is null))
);
create index gateway_visits_session on gateway_visits (session_id) where session_id is not null;
create index gateway_visits_share on gateway_visits (share_id) where share_id is not null;
create index gateway_visits_expiry on gateway_visits (expires_at);

create table gateway_cookie_jars (
  principal_id uuid not null,
  org_id uuid not null,
  route_id uuid not null references gateway_routes on delete cascade,
  name text not null,
  path text not null,
  -- Sealed; aad `gateway.cookie:<principal>:<route>:<name>`.
  value text not null,
  expires_at timestamptz,
  updated_at timestamptz not null,
  primary key (principal_id, route_id, name, path)
);
create index gateway_cookie_jars_route on gateway_cookie_jars (route_id);

create table gateway_config_versions (
  org_id uuid not null references identity_orgs on delete cascade,
  number int not null,
  digest text not null,
  source text not null check (source in ('file', 'api', 'rollback')),
  result text not null check (result in ('applied', 'rejected')),
  document jsonb not null,
  problems text[] not null default '{}',
  waiting_for_restart text[] not null default '{}',
  actor_type actor_type not null,
  actor_id uuid,
  actor_name text not null,
  at timestamptz not null,
  primary key (org_id, number)
);

create table gateway_request_stats (
  org_id uuid not null references identity_orgs on delete cascade,
  app_id uuid not null references gateway_apps on delete cascade,
  day date not null,
  -- The nil UUID stands for strangers.
  principal_id uuid not null,
  principal_type actor_type,
  principal_name text not null default '',
  requests bigint not null default 0,
  errors bigint not null default 0,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  duration_ms double precision not null default 0,
  primary key (app_id, day, principal_id)
);
create index gateway_request_stats_org on gateway_request_stats (org_id, day);

create table gateway_proposals (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  source text not null check (source in ('docker', 'kubernetes', 'mdns', 'file', 'http', 'federation')),
  fingerprint text not null,
  name text not null,
  detected_scheme text not null check (detected_scheme in ('http', 'https')),
  detected_host text not null,
  detected_port int not null check (detected_port between 1 and 65535),
  available_ports int[] not null default '{}',
  -- Where this server reaches each of these ports: `[{port, scheme, host, dial_port}]`.
  addresses jsonb not null,
  confidence real not null check (confidence between 0 and 1),
  reasons jsonb not null default '[]',
  suggested_app jsonb not null,
  suggested_route jsonb not null,
  security_notes jsonb not null default '[]',
  explicit boolean not null default false,
  -- It asks to be here where only whoever runs the machine can ask.
  vouched boolean not null default false,
  -- Ports of the machine that lead to it: `[{port, address}]`.
  bindings jsonb not null default '[]',
  container_ref text,
  state text not null default 'pending' check (state in ('pending', 'approved', 'dismissed')),
  gone_at timestamptz,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  decided_by_type actor_type,
  decided_by_id uuid,
  decided_by_name text,
  decided_at timestamptz,
  app_id uuid references gateway_apps on delete set null,
  -- Which route, to which of its ports: followed when it moves.
  route_id uuid references gateway_routes on delete set null,
  chosen_port int,
  unique (org_id, source, fingerprint),
  check ((state = 'pending') = (decided_at is null))
);
create index gateway_proposals_state on gateway_proposals (org_id, state, confidence desc, id);
create index gateway_proposals_app on gateway_proposals (app_id) where app_id is not null;

-- Every process builds its snapshot anew when one of these changes, whoever changed it and whatever the event log says.
create function gateway_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('atrium_gateway', '');
  return null;
end $$;
create trigger gateway_apps_notify after insert or update or delete or truncate on gateway_apps
  for each statement execute function gateway_notify();
create trigger gateway_routes_notify after insert or update or delete or truncate on gateway_routes
  for each statement execute function gateway_notify();
create index gateway_proposals_route on gateway_proposals (route_id) where route_id is not null;
create index gateway_proposals_seen on gateway_proposals (last_seen_at) where gone_at is null;

-- How each source of services is doing, as the one process that asks them tells the others. Nothing of it outlives a start.
create table gateway_providers (
  name text primary key,
  kind text not null,
  state text not null check (state in ('off', 'connecting', 'running', 'retrying')),
  endpoint text,
  last_event_at timestamptz,
  last_error text,
  failures int not null,
  next_attempt_at timestamptz,
  missing_rights text[] not null default '{}',
  hint text,
  updated_at timestamptz not null
);
