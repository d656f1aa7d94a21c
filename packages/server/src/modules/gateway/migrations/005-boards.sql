-- Boards: apps and links in groups, of one person or shared by the organisation.

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
