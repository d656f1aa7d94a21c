-- Backups of the server, and when they are made. Neither belongs to an organisation.

create table admin_backups (
  id uuid primary key,
  state text not null check (state in ('running', 'done', 'failed')),
  -- `found`: its file lay in the directory, and nobody here had made it.
  cause text not null check (cause in ('manual', 'schedule', 'found')),
  file_name text not null unique,
  encrypted boolean not null,
  size bigint,
  sha256 text,
  table_count int,
  row_count bigint,
  file_count int,
  lost_files int,
  version text,
  key_ids text[] not null default '{}',
  progress jsonb,
  error text,
  -- Who writes it, and when that was last known to live.
  holder uuid,
  beat_at timestamptz,
  test_state text check (test_state in ('running', 'passed', 'failed')),
  tested_at timestamptz,
  test_error text,
  created_by_type text not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  ended_at timestamptz
);
-- One at a time, whichever replica makes it.
create unique index admin_backups_running on admin_backups ((true)) where state = 'running';
create index admin_backups_made on admin_backups (created_at desc, id desc);

-- One row; what is null is as the configuration says.
create table admin_backup_schedule (
  singleton boolean primary key default true check (singleton),
  enabled boolean,
  every_s int,
  cron text,
  time_zone text not null default 'UTC',
  retention int,
  passphrase_sealed text,
  test boolean not null default true,
  next_at timestamptz,
  next_test_at timestamptz,
  last_at timestamptz,
  last_state text check (last_state in ('done', 'failed')),
  last_error text,
  failures int not null default 0,
  version int not null default 0,
  check (every_s is null or cron is null)
);
insert into admin_backup_schedule default values;
