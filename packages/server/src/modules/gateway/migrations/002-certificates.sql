-- Certificates that the listener shows. They belong to the server, so no row has an organisation.

create table gateway_certificate_authority (
  only_row boolean primary key default true check (only_row),
  certificate text not null,
  -- Sealed under the master key; aad `gateway.certificate_authority`.
  key_sealed text not null,
  created_at timestamptz not null
);

create table gateway_certificates (
  id uuid primary key,
  names text[] not null check (cardinality(names) between 1 and 100),
  issuer text not null check (issuer in ('internal', 'acme', 'uploaded')),
  state text not null check (state in ('pending', 'active', 'failed')),
  -- Kept by the server itself for names it answers to.
  managed boolean not null default false,
  chain text,
  -- Sealed under the master key; aad `gateway.certificate:<id>`.
  key_sealed text,
  pins text[] not null default '{}',
  serial text,
  issued_by text,
  not_before timestamptz,
  not_after timestamptz,
  renew_at timestamptz,
  failures int not null default 0,
  last_error text,
  -- When the people who run the server were told that it ends soon.
  warned_at timestamptz,
  -- Counts orders: each has a job of its own, and an older one that comes late does nothing.
  generation int not null default 0,
  ordering boolean not null default false,
  order_url text,
  -- Key of the order under way; aad `gateway.certificate_order:<id>`.
  order_key_sealed text,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((state = 'active') = (chain is not null and key_sealed is not null))
);
create index gateway_certificates_renew on gateway_certificates (renew_at) where renew_at is not null;

create table gateway_certificate_events (
  id uuid primary key,
  -- Outlives the certificate.
  certificate_id uuid not null,
  names text[] not null,
  act text not null check (act in ('generated', 'uploaded', 'ordered', 'renewed', 'replaced', 'failed', 'deleted')),
  reason text,
  actor_type actor_type not null,
  actor_id uuid,
  actor_name text not null,
  at timestamptz not null
);
create index gateway_certificate_events_newest on gateway_certificate_events (at desc, id desc);
create index gateway_certificate_events_of on gateway_certificate_events (certificate_id, at desc, id desc);

create table gateway_acme_accounts (
  directory text primary key,
  url text,
  -- Sealed under the master key; aad `gateway.acme_account:<directory>`.
  key_sealed text not null,
  created_at timestamptz not null
);

-- What an authority asks for while an order runs; any process may be asked.
create table gateway_acme_challenges (
  certificate_id uuid not null references gateway_certificates on delete cascade,
  name text not null,
  kind text not null check (kind in ('http-01', 'tls-alpn-01', 'dns-01')),
  token text not null,
  answer text not null,
  expires_at timestamptz not null,
  primary key (certificate_id, name)
);

create function gateway_notify_certificates() returns trigger language plpgsql as $$
begin
  perform pg_notify('atrium_certificates', '');
  return null;
end $$;
create trigger gateway_certificates_notify after insert or update or delete or truncate on gateway_certificates
  for each statement execute function gateway_notify_certificates();
create trigger gateway_acme_challenges_notify after insert or update or delete or truncate on gateway_acme_challenges
  for each statement execute function gateway_notify_certificates();
