-- A client that signs its assertions with its secret (client_secret_jwt) is checked with that secret itself, which a hash
-- cannot do: it lies encrypted, and only for clients of this method.
alter table oauth_clients add column secret_sealed text,
  add check (secret_sealed is null or auth_method = 'client_secret_jwt');

-- The agent through which the client acts for the person, when the person was asked for one by name.
alter table oauth_grants add column actor uuid;

-- Call chains inside the trust domain. Who asked for a token of one, or carried one on, may ask about it.
create table oauth_transactions (
  id uuid primary key,
  client_id text not null,
  subject text not null,
  org_id uuid references identity_orgs on delete cascade,
  grant_id uuid,
  participants text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index oauth_transactions_expiry on oauth_transactions (expires_at);

-- Where a token stands in the status lists; a list is made of its rows whenever somebody asks for it.
create sequence oauth_status_positions minvalue 0;
alter table oauth_access_tokens add column status_position bigint;
create index oauth_access_tokens_status on oauth_access_tokens (status_position)
  where status_position is not null and revoked_at is not null;
