-- What clients may ask for and what they were given. Tokens, codes and secrets are stored as SHA-256 alone; private keys
-- and the few payload members that would let somebody act are encrypted under the master key.

create table oauth_clients (
  id uuid primary key,
  client_id text not null unique,
  origin text not null check (origin in ('operator', 'registered')),
  name text not null,
  -- Client metadata by the names of RFC 7591, without those that have a column of their own.
  metadata jsonb not null default '{}',
  secret_hash text,
  secret_prefix text,
  secret_expires_at timestamptz,
  jwks jsonb,
  jwks_uri text,
  auth_method text not null,
  grant_types text[] not null,
  redirect_uris text[] not null default '{}',
  scopes text[] not null,
  -- Empty: every resource that its scopes reach.
  allowed_resources text[] not null default '{}',
  -- Subjects and clients that may be the actor of a token exchange by this client.
  allowed_actors text[] not null default '{}',
  require_state boolean not null default false,
  dpop_required boolean not null default false,
  -- The operator's own software: its people are not asked for consent.
  skip_consent boolean not null default false,
  -- Set for clients whose own tokens (client_credentials) act in one organisation.
  org_id uuid references identity_orgs on delete cascade,
  owner_id uuid,
  created_by uuid,
  enabled boolean not null default true,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  consented_at timestamptz,
  last_used_at timestamptz
);
create index oauth_clients_page on oauth_clients (created_at desc, id desc);
create index oauth_clients_sweep on oauth_clients (created_at) where origin = 'registered';

-- Clients whose id is the https URL of their metadata; kept once one of them came as far as consent.
create table oauth_client_documents (
  client_id text primary key,
  host text not null,
  metadata jsonb not null,
  digest text not null,
  etag text,
  fetched_at timestamptz not null,
  fresh_until timestamptz not null,
  last_used_at timestamptz not null
);
create index oauth_client_documents_use on oauth_client_documents (last_used_at);

-- What a principal allowed a client in one organisation. Its id stands in every code and token born from it.
create table oauth_grants (
  id uuid primary key,
  client_id text not null,
  subject uuid not null,
  org_id uuid not null references identity_orgs on delete cascade,
  scopes text[] not null default '{}',
  resources text[] not null default '{}',
  details jsonb not null default '[]',
  payload jsonb not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index oauth_grants_subject on oauth_grants (subject, created_at desc, id desc);
create index oauth_grants_client on oauth_grants (client_id, subject, org_id) where revoked_at is null;
create index oauth_grants_org on oauth_grants (org_id);
create index oauth_grants_expiry on oauth_grants (expires_at);

-- One table for each model of the engine, all of one form. uid and user_code are looked up, the code by its hash.
create table oauth_codes (
  id_hash text primary key,
  payload jsonb not null,
  grant_id uuid,
  uid text,
  user_code text,
  client_id text,
  subject text,
  created_at timestamptz not null default now(),
  consumed_at timestamptz,
  expires_at timestamptz not null
);
create table oauth_refresh_tokens (like oauth_codes including all);
create table oauth_device_codes (like oauth_codes including all);
create table oauth_par (like oauth_codes including all);
create table oauth_interactions (like oauth_codes including all);
create table oauth_engine_sessions (like oauth_codes including all);
create table oauth_backchannel_requests (like oauth_codes including all);
create table oauth_registration_tokens (like oauth_codes including all);
create table oauth_initial_tokens (like oauth_codes including all);
alter table oauth_device_codes add column user_code_hint text, add column claimed_by uuid, add column polled_at timestamptz,
  add column poll_interval_s int not null default 5;
alter table oauth_initial_tokens add column id uuid, add column note text not null default '', add column created_by uuid;

do $$
declare
  t text;
begin
  foreach t in array array['oauth_codes', 'oauth_refresh_tokens', 'oauth_device_codes', 'oauth_par', 'oauth_interactions',
    'oauth_engine_sessions', 'oauth_backchannel_requests', 'oauth_registration_tokens', 'oauth_initial_tokens'] loop
    execute format('create index %I on %I (grant_id) where grant_id is not null', t || '_grant', t);
    execute format('create unique index %I on %I (uid) where uid is not null', t || '_uid', t);
    execute format('create unique index %I on %I (user_code) where user_code is not null', t || '_user_code', t);
    execute format('create index %I on %I (expires_at)', t || '_expiry', t);
  end loop;
end $$;

-- Every access token that was issued and is not over, whatever its form.
create table oauth_access_tokens (
  id uuid primary key,
  -- Of the token itself when it is opaque, of its jti when it is a JWT.
  hash text not null unique,
  format text not null check (format in ('jwt', 'opaque')),
  kind text not null check (kind in ('AccessToken', 'ClientCredentials')),
  grant_id uuid,
  client_id text not null,
  subject text not null,
  org_id uuid references identity_orgs on delete cascade,
  actor jsonb,
  resource text,
  scopes text[] not null default '{}',
  -- Null for a JWT, which says everything itself.
  payload jsonb,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index oauth_access_tokens_page on oauth_access_tokens (created_at desc, id desc);
create index oauth_access_tokens_grant on oauth_access_tokens (grant_id) where grant_id is not null;
create index oauth_access_tokens_client on oauth_access_tokens (client_id, created_at desc);
create index oauth_access_tokens_subject on oauth_access_tokens (subject, created_at desc);
create index oauth_access_tokens_expiry on oauth_access_tokens (expires_at);

-- Facts about tokens that are still unexpired and must no longer be honoured. `before`: those issued until then.
create table oauth_revocations (
  kind text not null check (kind in ('jti', 'grant', 'client', 'subject')),
  value text not null,
  before timestamptz not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (kind, value)
);
create index oauth_revocations_expiry on oauth_revocations (expires_at);

-- What may be used once: ids of client assertions, DPoP proofs and grant assertions.
create table oauth_replays (
  issuer text not null,
  jti_hash text not null,
  kind text not null,
  expires_at timestamptz not null,
  primary key (issuer, jti_hash)
);
create index oauth_replays_expiry on oauth_replays (expires_at);

create table oauth_keys (
  kid text primary key,
  alg text not null,
  use text not null default 'sig',
  public_jwk jsonb not null,
  private_sealed text not null,
  state text not null check (state in ('next', 'active', 'grace', 'retired')),
  created_at timestamptz not null,
  not_before timestamptz not null,
  activated_at timestamptz,
  -- When the key ends: of a key in grace the end of its grace.
  retire_at timestamptz
);
create unique index oauth_keys_active on oauth_keys (alg) where state = 'active';
create unique index oauth_keys_next on oauth_keys (alg) where state = 'next';

-- Protected audiences beside the built-in ones, or other settings for a built-in one.
create table oauth_resources (
  id uuid primary key,
  audience text not null unique,
  name text not null,
  scopes text[] not null,
  format text not null default 'jwt' check (format in ('jwt', 'opaque')),
  ttl_s int not null default 3600 check (ttl_s between 30 and 86400),
  alg text,
  -- The client that may introspect tokens of this audience.
  client_id text,
  enabled boolean not null default true,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Issuers elsewhere whose assertions are taken for a token of ours.
create table oauth_trusted_issuers (
  id uuid primary key,
  issuer text not null unique,
  name text not null,
  jwks_uri text not null,
  algs text[] not null,
  subject_mapping text not null check (subject_mapping in ('sub', 'email')),
  -- Domains that the issuer may vouch for; needed for the mapping by e-mail.
  email_domains text[] not null default '{}',
  jit boolean not null default false,
  org_id uuid not null references identity_orgs on delete cascade,
  scopes text[] not null default '{}',
  max_age_s int not null default 300 check (max_age_s between 30 and 3600),
  enabled boolean not null default true,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Subjects of trusted issuers and the principals they stand for.
create table oauth_issuer_subjects (
  issuer_id uuid not null references oauth_trusted_issuers on delete cascade,
  subject text not null,
  user_id uuid not null references identity_users on delete cascade,
  created_at timestamptz not null,
  primary key (issuer_id, subject)
);

create table oauth_ip_denylist (
  id uuid primary key,
  range cidr not null unique,
  reason text not null default '',
  created_by uuid,
  created_at timestamptz not null,
  expires_at timestamptz
);

-- A person's decision about one transaction, polled by the client like a device code.
create table oauth_approvals (
  id uuid primary key,
  id_hash text not null unique,
  client_id text not null,
  org_id uuid not null references identity_orgs on delete cascade,
  subject uuid not null,
  details jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'approved', 'denied', 'expired')),
  decided_by uuid,
  decided_at timestamptz,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index oauth_approvals_expiry on oauth_approvals (expires_at);

-- Replicas hold revocations, keys, clients, resources and denied ranges in memory; each hears what to read again.
create function oauth_notify() returns trigger language plpgsql as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  perform pg_notify('atrium_oauth', json_build_object('table', tg_table_name, 'key', v_row ->> tg_argv[0],
    'kind', v_row ->> 'kind', 'before', v_row ->> 'before', 'expires_at', v_row ->> 'expires_at')::text);
  return null;
end $$;
create trigger oauth_revocations_notify after insert or update on oauth_revocations
  for each row execute function oauth_notify('value');
create trigger oauth_keys_notify after insert or update of state or delete on oauth_keys
  for each row execute function oauth_notify('kid');
create trigger oauth_clients_notify after update of metadata, secret_hash, jwks, jwks_uri, auth_method, grant_types, redirect_uris,
  scopes, allowed_resources, allowed_actors, require_state, dpop_required, skip_consent, enabled, version or delete on oauth_clients
  for each row execute function oauth_notify('client_id');
create trigger oauth_resources_notify after insert or update or delete on oauth_resources
  for each row execute function oauth_notify('audience');
create trigger oauth_trusted_issuers_notify after insert or update or delete on oauth_trusted_issuers
  for each row execute function oauth_notify('issuer');
create trigger oauth_ip_denylist_notify after insert or update or delete on oauth_ip_denylist
  for each row execute function oauth_notify('id');
