-- Boards: apps and links in groups, of one person or shared by the organisation. Requests of apps by the hour.

create table gateway_boards (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  -- Null: shared by the organisation.
  owner_id uuid,
  name text not null,
  position int not null default 0,
  -- `[{id, name, items: [{kind, id, size, …}]}]`. One document, because one hand moves many items at once; an app goes by
  -- its id and is looked up when the board is shown.
  groups jsonb not null default '[]',
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index gateway_boards_org on gateway_boards (org_id, owner_id);

-- Beside the sums of days, which also say who: one row an app and hour, kept for a week.
create table gateway_request_hours (
  org_id uuid not null references identity_orgs on delete cascade,
  app_id uuid not null references gateway_apps on delete cascade,
  hour timestamptz not null,
  requests bigint not null default 0,
  errors bigint not null default 0,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  duration_ms double precision not null default 0,
  primary key (app_id, hour)
);
create index gateway_request_hours_org on gateway_request_hours (org_id, hour);
