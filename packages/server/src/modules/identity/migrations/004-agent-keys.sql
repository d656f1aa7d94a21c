-- Agents that own a key pair: their keys, who vouched for them, what they sign, how they come back.

-- One row for each key that an agent has or had. A replaced key stays, so that nobody else can take it or its
-- fingerprint, and so that what it signed is still known as signed by it.
create table identity_agent_keys (
  id uuid primary key,
  org_id uuid not null,
  agent_id uuid not null,
  public_key text not null,
  fingerprint text not null check (fingerprint ~ '^[0-9A-F]{4}(-[0-9A-F]{4}){3}$'),
  -- An agent that came by its key speaks to the authorization server as a service client only.
  origin text not null check (origin in ('registered', 'attached')),
  created_at timestamptz not null,
  replaced_at timestamptz,
  -- What the key before this one, and this one, signed when it took its place.
  continuity jsonb,
  foreign key (org_id, agent_id) references identity_agents (org_id, id) on delete cascade
);
create unique index identity_agent_keys_public_key on identity_agent_keys (public_key);
create unique index identity_agent_keys_fingerprint on identity_agent_keys (fingerprint);
create unique index identity_agent_keys_current on identity_agent_keys (agent_id) where replaced_at is null;
create index identity_agent_keys_agent on identity_agent_keys (org_id, agent_id);

-- How an agent shows itself outside of its organisation.
create table identity_agent_profiles (
  agent_id uuid primary key,
  org_id uuid not null,
  display_name text not null,
  description text not null default '',
  listed boolean not null default false,
  updated_at timestamptz not null,
  foreign key (org_id, agent_id) references identity_agents (org_id, id) on delete cascade
);
create index identity_agent_profiles_listed on identity_agent_profiles (agent_id) where listed;
create index identity_agent_profiles_agent on identity_agent_profiles (org_id, agent_id);

create table identity_agent_enrolments (
  hash text primary key,
  org_id uuid not null,
  agent_id uuid not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  foreign key (org_id, agent_id) references identity_agents (org_id, id) on delete cascade
);
create index identity_agent_enrolments_agent on identity_agent_enrolments (org_id, agent_id);

create table identity_vouchers (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  hash text not null unique,
  -- For its issuer, as long as it can be given away.
  code_sealed text,
  issuer_type actor_type not null check (issuer_type <> 'system'),
  issuer_id uuid not null,
  -- What the newcomer may do: no more than whoever vouched.
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  redeemed_at timestamptz,
  redeemed_by uuid references identity_agents on delete cascade deferrable initially deferred,
  -- Agents above the newcomer, the first one in front, and edges from where the chain begins, which may be a person.
  ancestors uuid[] not null default '{}',
  depth int not null default 1,
  check ((redeemed_at is null) = (redeemed_by is null))
);
create index identity_vouchers_org on identity_vouchers (org_id, created_at desc, id desc);
create index identity_vouchers_open on identity_vouchers (issuer_id, expires_at) where redeemed_at is null and revoked_at is null;
create unique index identity_vouchers_redeemer on identity_vouchers (redeemed_by) where redeemed_by is not null;
create index identity_vouchers_graph on identity_vouchers (redeemed_at, id) where redeemed_at is not null;
create index identity_vouchers_ancestors on identity_vouchers using gin (ancestors) where redeemed_at is not null;

create table identity_signing_requests (
  id uuid primary key,
  org_id uuid not null,
  agent_id uuid not null,
  message text not null,
  nonce uuid not null,
  status text not null default 'pending' check (status in ('pending', 'completed', 'expired')),
  signature text,
  valid boolean,
  -- Of the key that the signature was checked against.
  fingerprint text,
  workflow_id text not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  completed_at timestamptz,
  check ((status = 'completed') = (signature is not null and valid is not null)),
  foreign key (org_id, agent_id) references identity_agents (org_id, id) on delete cascade
);
create index identity_signing_requests_agent on identity_signing_requests (org_id, agent_id, created_at desc, id desc);
create index identity_signing_requests_pending on identity_signing_requests (expires_at) where status = 'pending';
create index identity_signing_requests_signature on identity_signing_requests (signature) where signature is not null;

create table identity_recovery_nonces (
  nonce text primary key,
  expires_at timestamptz not null
);
create index identity_recovery_nonces_expiry on identity_recovery_nonces (expires_at);

create table identity_recovery_grants (
  hash text primary key,
  org_id uuid not null,
  agent_id uuid not null unique,
  public_key text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  foreign key (org_id, agent_id) references identity_agents (org_id, id) on delete cascade
);
create index identity_recovery_grants_agent on identity_recovery_grants (org_id, agent_id);
