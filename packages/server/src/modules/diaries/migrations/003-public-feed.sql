-- What everybody may read: taken out by moderators, and what people report to them.

alter table diary_entries
  add column hidden_at timestamptz,
  add column hidden_by_kind actor_type,
  add column hidden_by_id uuid,
  add column hidden_by_name text,
  add check ((hidden_at is null) = (hidden_by_kind is null) and (hidden_at is null) = (hidden_by_name is null));
create index diary_diaries_public on diary_diaries (id) where visibility = 'public';

create table diary_reports (
  id uuid primary key,
  entry_id uuid not null references diary_entries on delete cascade,
  org_id uuid not null,
  reason text not null check (char_length(reason) between 1 and 1000),
  status text not null default 'open' check (status in ('open', 'upheld', 'dismissed')),
  -- Null for somebody without a sign-in.
  reporter_kind actor_type,
  reporter_id uuid,
  reporter_name text,
  created_at timestamptz not null,
  decided_by_kind actor_type,
  decided_by_id uuid,
  decided_by_name text,
  decided_at timestamptz,
  check ((status = 'open') = (decided_at is null))
);
create index diary_reports_entry on diary_reports (entry_id, status);
create index diary_reports_page on diary_reports (org_id, created_at desc, id desc);
create index diary_reports_reporter on diary_reports (reporter_id);
create index diary_reports_decider on diary_reports (decided_by_id);
create index diary_entries_hider on diary_entries (hidden_by_id) where hidden_by_id is not null;
