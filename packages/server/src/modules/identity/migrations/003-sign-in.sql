-- Further ways to prove who one is, and what they leave behind.

-- How sure the sign-in was: aal1 is one factor, aal2 two of them or a passkey that asked for its owner.
alter table identity_sessions add column acr text not null default 'aal1' check (acr in ('aal1', 'aal2'));

alter table identity_emails add column id uuid not null default gen_random_uuid();
alter table identity_emails add column added_at timestamptz not null default now();
update identity_emails e set added_at = u.created_at from identity_users u where u.id = e.user_id;
alter table identity_emails add primary key (id);
create unique index identity_emails_primary on identity_emails (user_id) where is_primary;

-- Secrets lie encrypted. last_step is the newest time step that was accepted: none is accepted twice.
create table identity_totp (
  user_id uuid primary key references identity_users on delete cascade,
  secret text not null,
  created_at timestamptz not null,
  confirmed_at timestamptz,
  last_step bigint
);

create table identity_recovery_codes (
  user_id uuid not null references identity_users on delete cascade,
  hash text not null,
  created_at timestamptz not null,
  used_at timestamptz,
  primary key (user_id, hash)
);

create table identity_passkeys (
  id uuid primary key,
  credential_id text not null unique,
  user_id uuid not null references identity_users on delete cascade,
  public_key text not null,
  counter bigint not null,
  transports text[] not null default '{}',
  aaguid text not null,
  backed_up boolean not null,
  name text not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  -- When its counter went backwards, as that of a copy does.
  regressed_at timestamptz
);
create index identity_passkeys_user on identity_passkeys (user_id, created_at desc, id desc);

-- Challenges of passkey ceremonies, each good for one answer. user_id is null while nobody is signed in.
create table identity_ceremonies (
  id uuid primary key,
  challenge text not null,
  purpose text not null check (purpose in ('add', 'sign_in')),
  user_id uuid references identity_users on delete cascade,
  expires_at timestamptz not null
);
create index identity_ceremonies_expiry on identity_ceremonies (expires_at);

-- First factors that were proven and wait for the second.
create table identity_factor_challenges (
  hash text primary key,
  user_id uuid not null references identity_users on delete cascade,
  methods text[] not null,
  tries int not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index identity_factor_challenges_expiry on identity_factor_challenges (expires_at);

-- Browsers in which the second factor is not asked for again.
create table identity_remembered_browsers (
  hash text primary key,
  user_id uuid not null references identity_users on delete cascade,
  user_agent text,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index identity_remembered_browsers_user on identity_remembered_browsers (user_id);

-- Links sent by mail. Requests for unknown addresses have a row without a user, so that both kinds take the same time.
-- The token lies encrypted until its letter is sent.
create table identity_magic_links (
  id uuid primary key,
  hash text not null unique,
  purpose text not null check (purpose in ('magic', 'verify', 'reset')),
  user_id uuid references identity_users on delete cascade,
  email text,
  token text,
  requested_ip text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  sent_at timestamptz,
  used_at timestamptz,
  cancelled_at timestamptz
);
create index identity_magic_links_live on identity_magic_links (user_id, purpose) where used_at is null and cancelled_at is null;
create index identity_magic_links_expiry on identity_magic_links (expires_at);

create table identity_providers (
  id uuid primary key,
  slug text not null unique,
  preset text not null check (preset in ('github', 'google', 'apple', 'microsoft', 'okta', 'auth0', 'gitlab', 'oidc')),
  name text not null,
  settings jsonb not null,
  secret text,
  enabled boolean not null default true,
  -- Whether an address that this provider calls verified may open an account here.
  may_vouch boolean not null default false,
  generation int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table identity_user_logins (
  id uuid primary key,
  provider_id uuid not null references identity_providers on delete cascade,
  subject text not null,
  user_id uuid not null references identity_users on delete cascade,
  email_at_link text,
  label text not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  unique (provider_id, subject)
);
create index identity_user_logins_user on identity_user_logins (user_id, created_at desc, id desc);

-- Social sign-ins under way. The verifier and nonce lie encrypted; `browser` is the hash of a cookie.
create table identity_social_states (
  hash text primary key,
  provider_id uuid not null references identity_providers on delete cascade,
  browser text not null,
  sealed text not null,
  user_id uuid references identity_users on delete cascade,
  next text,
  name_given text,
  expires_at timestamptz not null
);
create index identity_social_states_expiry on identity_social_states (expires_at);

-- The code of an invitation by address, encrypted until its letter is sent.
alter table identity_invitations add column code text;
alter table identity_invitations add column mailed_at timestamptz;
