-- Scripts: registered files, what runs of them, chains and schedules.

create table gateway_scripts (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  description text not null default '',
  category text not null default '',
  -- Below the directory of the configuration, with slashes.
  path text not null,
  -- SHA-256 of the bytes that an operator agreed to.
  digest text not null,
  size int not null,
  timeout_s int not null,
  parameters jsonb not null default '[]',
  -- Further variables, as one sealed document; null when there are none.
  environment text,
  environment_names text[] not null default '{}',
  scopes text[] not null default '{}',
  dry_run_command text[],
  image text,
  max_parallel int not null default 1,
  -- Who has to say yes in the inbox before each run.
  approver_id uuid,
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, name),
  unique (org_id, id)
);

create table gateway_script_chains (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  description text not null default '',
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, name),
  unique (org_id, id)
);

create table gateway_script_chain_steps (
  chain_id uuid not null references gateway_script_chains on delete cascade,
  position int not null,
  org_id uuid not null,
  script_id uuid not null,
  -- Values of parameters that are no secret.
  parameters jsonb not null default '{}',
  secrets text,
  on_failure text not null check (on_failure in ('stop', 'continue')),
  primary key (chain_id, position),
  -- A script that a chain needs is not deleted; an organisation takes both.
  foreign key (org_id, script_id) references gateway_scripts (org_id, id) deferrable initially deferred
);
create index gateway_script_chain_steps_script on gateway_script_chain_steps (org_id, script_id);

create table gateway_script_schedules (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  script_id uuid,
  chain_id uuid,
  parameters jsonb not null default '{}',
  secrets text,
  cron text not null,
  time_zone text not null,
  paused boolean not null default false,
  -- Why it paused by itself.
  paused_reason text,
  next_due_at timestamptz,
  last_due_at timestamptz,
  version int not null default 1,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (org_id, name),
  check ((script_id is null) <> (chain_id is null)),
  foreign key (org_id, script_id) references gateway_scripts (org_id, id) deferrable initially deferred,
  foreign key (org_id, chain_id) references gateway_script_chains (org_id, id) deferrable initially deferred
);
create index gateway_script_schedules_due on gateway_script_schedules (next_due_at) where not paused;
create index gateway_script_schedules_script on gateway_script_schedules (org_id, script_id);
create index gateway_script_schedules_chain on gateway_script_schedules (org_id, chain_id);

-- A due time is taken once, by whichever process comes first.
create table gateway_script_dues (
  schedule_id uuid not null references gateway_script_schedules on delete cascade,
  due_at timestamptz not null,
  outcome text not null check (outcome in ('started', 'still_running', 'refused')),
  detail text,
  primary key (schedule_id, due_at)
);

create table gateway_script_chain_runs (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  chain_id uuid references gateway_script_chains on delete set null,
  chain_name text not null,
  state text not null check (state in ('running', 'completed', 'failed', 'cancelled')),
  steps int not null,
  failed_steps int not null default 0,
  schedule_id uuid references gateway_script_schedules on delete set null,
  due_at timestamptz,
  started_by_type actor_type not null,
  started_by_id uuid,
  started_by_name text not null,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index gateway_script_chain_runs_org on gateway_script_chain_runs (org_id, created_at desc, id desc);
create index gateway_script_chain_runs_schedule on gateway_script_chain_runs (schedule_id) where state = 'running';
create index gateway_script_chain_runs_chain on gateway_script_chain_runs (chain_id);

create table gateway_script_runs (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  script_id uuid references gateway_scripts on delete set null,
  script_name text not null,
  state text not null check (state in ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')),
  -- Why it ended otherwise than by itself.
  reason text,
  detail text,
  dry_run boolean not null default false,
  -- Waits for its turn in a chain, or for an approval, when false.
  ready boolean not null,
  approval text check (approval in ('waiting', 'approved', 'rejected')),
  approver_id uuid,
  parameters jsonb not null default '{}',
  -- Values of passwords, until the run has ended.
  secrets text,
  digest text not null,
  timeout_s int not null,
  max_parallel int not null,
  runner text check (runner in ('host', 'container')),
  -- The process of the server that runs it.
  holder uuid,
  -- How often its job was enqueued, and which of these jobs began it.
  enqueued int not null default 0,
  claimed int,
  cancel_requested boolean not null default false,
  exit_code int,
  output_bytes bigint not null default 0,
  output_cut boolean not null default false,
  chain_run_id uuid references gateway_script_chain_runs on delete cascade,
  position int,
  on_failure text check (on_failure in ('stop', 'continue')),
  schedule_id uuid references gateway_script_schedules on delete set null,
  due_at timestamptz,
  started_by_type actor_type not null,
  started_by_id uuid,
  started_by_name text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz
);
create index gateway_script_runs_org on gateway_script_runs (org_id, created_at desc, id desc);
create index gateway_script_runs_script on gateway_script_runs (script_id, created_at desc);
create index gateway_script_runs_open on gateway_script_runs (created_at) where state in ('pending', 'running');
create index gateway_script_runs_chain on gateway_script_runs (chain_run_id, position);
create index gateway_script_runs_ended on gateway_script_runs (ended_at) where ended_at is not null;
create index gateway_script_runs_schedule on gateway_script_runs (schedule_id);

create table gateway_script_output (
  run_id uuid not null references gateway_script_runs on delete cascade,
  seq int not null,
  stream text not null check (stream in ('stdout', 'stderr', 'note')),
  text text not null,
  at timestamptz not null,
  primary key (run_id, seq)
);
