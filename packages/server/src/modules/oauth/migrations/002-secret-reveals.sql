-- Secrets of clients that a tool made: shown once, to the operator who asked for it. The secret lies encrypted.
create table oauth_secret_reveals (
  id uuid primary key,
  hash text not null unique,
  client_row uuid not null references oauth_clients on delete cascade,
  operator_id uuid not null,
  secret_sealed text not null,
  expires_at timestamptz not null
);
create index oauth_secret_reveals_client on oauth_secret_reveals (client_row);
create index oauth_secret_reveals_expiry on oauth_secret_reveals (expires_at);

create index oauth_initial_tokens_page on oauth_initial_tokens (created_at desc, id desc);
