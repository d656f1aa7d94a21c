-- Keys of people, which their browsers keep and a passkey approved. A revoked key stays, so that nobody else can take
-- it and what it signed is still known as signed by it.
create table identity_personal_keys (
  id uuid primary key,
  user_id uuid not null references identity_users,
  public_key text not null,
  fingerprint text not null check (fingerprint ~ '^[0-9A-F]{4}(-[0-9A-F]{4}){3}$'),
  label text not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create unique index identity_personal_keys_public_key on identity_personal_keys (public_key);
create unique index identity_personal_keys_fingerprint on identity_personal_keys (fingerprint);
create index identity_personal_keys_user on identity_personal_keys (user_id, created_at desc, id desc);

-- A passkey that approves a key: what the challenge is the hash of.
alter table identity_ceremonies
  drop constraint identity_ceremonies_purpose_check,
  add constraint identity_ceremonies_purpose_check check (purpose in ('add', 'sign_in', 'personal_key')),
  add column public_key text,
  add column nonce text,
  add check ((purpose = 'personal_key') = (public_key is not null and nonce is not null and user_id is not null));

-- A person may be the one who is to sign, asked by somebody of the organisation.
alter table identity_signing_requests
  alter column agent_id drop not null,
  add column user_id uuid references identity_users,
  add column asker_type actor_type check (asker_type <> 'system'),
  add column asker_id uuid,
  add constraint identity_signing_requests_org foreign key (org_id) references identity_orgs on delete cascade,
  add constraint identity_signing_requests_signer check (num_nonnulls(agent_id, user_id) = 1),
  add constraint identity_signing_requests_asker
    check ((user_id is null) = (asker_id is null) and (asker_id is null) = (asker_type is null)),
  drop constraint identity_signing_requests_status_check,
  add constraint identity_signing_requests_status_check
    check (status in ('pending', 'completed', 'expired', 'declined', 'cancelled'));
create index identity_signing_requests_person on identity_signing_requests (user_id, org_id, created_at desc, id desc)
  where user_id is not null;
create index identity_signing_requests_asker on identity_signing_requests (asker_id, org_id, created_at desc, id desc)
  where asker_id is not null;
