-- Applications that were installed from templates, on the container engine of this machine.

create table gateway_deployments (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  -- Begins the names of containers, volumes and networks, so it is one on the whole engine.
  name text not null unique,
  template_id text not null,
  template_name text not null,
  template_icon text not null,
  -- SHA-256 of the file that it was made from.
  digest text not null,
  compose text not null,
  -- All variables as one JSON document, sealed under the master key; aad `gateway.deployment:<id>`.
  variables text not null,
  -- Credentials of a registry, sealed likewise.
  registry text,
  registry_server text,
  -- Dangers that an operator ticked.
  accepted text[] not null default '{}',
  -- What ran before an update that has not replaced it yet, sealed likewise.
  former text,
  state text not null check (state in ('pending', 'pulling', 'creating', 'starting', 'waiting', 'routing', 'running',
    'stopping', 'stopped', 'cancelling', 'cancelled', 'removing', 'error')),
  step text check (step in ('validate', 'networks', 'pull', 'volumes', 'create', 'start', 'wait', 'route')),
  message text,
  progress jsonb,
  -- Counts orders: work of an earlier one finds another number and ends.
  turn int not null default 1,
  -- Counts installations: containers carry it as a label.
  generation int not null default 1,
  containers jsonb not null default '[]',
  volumes text[] not null default '{}',
  ports jsonb not null default '[]',
  auto_route boolean not null,
  auto_start boolean not null,
  remove_volumes boolean not null default false,
  app_id uuid references gateway_apps on delete set null,
  route_id uuid references gateway_routes on delete set null,
  -- Where the route leads, so that it can be led elsewhere.
  target text,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index gateway_deployments_org on gateway_deployments (org_id, created_at desc, id desc);
create index gateway_deployments_app on gateway_deployments (app_id);
create index gateway_deployments_route on gateway_deployments (route_id);
