-- Other Atrium servers: who they are, what they share, who of theirs may open what.

create table gateway_federation_identity (
  one boolean primary key default true check (one),
  id uuid not null,
  -- Ed25519, base64url of 32 bytes.
  public_key text not null,
  -- Seed of the private key; sealed, aad `gateway.federation_key`.
  key_sealed text not null,
  created_at timestamptz not null
);

create table gateway_peers (
  id uuid primary key,
  name text not null,
  api_address text,
  public_key text not null unique,
  pins text[] not null default '{}',
  -- Shown and refused; an operator may accept it.
  offered_pin text,
  dials boolean not null,
  joined_by text not null check (joined_by in ('invitation', 'cluster_secret')),
  status text not null check (status in ('online', 'offline')),
  remote_routes boolean not null default false,
  last_seen_at timestamptz,
  last_sync_at timestamptz,
  last_error text,
  joined_at timestamptz not null
);
create index gateway_peers_name on gateway_peers (name, id);

create table gateway_peer_invitations (
  id uuid primary key,
  token_hash text not null unique,
  note text not null default '',
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by uuid
);
create index gateway_peer_invitations_made on gateway_peer_invitations (created_at desc, id desc);

-- What this server publishes. A row stays as a tombstone when it is taken back; peers are told from it.
create table gateway_peer_publications (
  app_id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  -- Null = every peer.
  peer_ids uuid[],
  entry jsonb not null,
  clock jsonb not null,
  published_by_type actor_type not null,
  published_by_id uuid,
  published_by_name text not null,
  published_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create index gateway_peer_publications_org on gateway_peer_publications (org_id) where deleted_at is null;

-- What peers publish to this server.
create table gateway_peer_apps (
  peer_id uuid not null references gateway_peers on delete cascade,
  app uuid not null,
  entry jsonb not null,
  name text not null,
  clock jsonb not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  -- The app here that opens it.
  local_app_id uuid references gateway_apps on delete set null,
  local_route_id uuid references gateway_routes on delete set null,
  primary key (peer_id, app)
);
create index gateway_peer_apps_name on gateway_peer_apps (name, app) where deleted_at is null;
create index gateway_peer_apps_local on gateway_peer_apps (local_app_id) where local_app_id is not null;
create index gateway_peer_apps_route on gateway_peer_apps (local_route_id) where local_route_id is not null;

create table gateway_peer_rules (
  id uuid primary key,
  peer_id uuid not null references gateway_peers on delete cascade,
  org_id uuid not null references identity_orgs on delete cascade,
  match text not null check (match in ('email', 'group')),
  value text not null,
  app_id uuid references gateway_apps on delete cascade,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  unique nulls not distinct (peer_id, org_id, match, value, app_id)
);
create index gateway_peer_rules_org on gateway_peer_rules (org_id, created_at desc, id desc);
create index gateway_peer_rules_app on gateway_peer_rules (app_id) where app_id is not null;
