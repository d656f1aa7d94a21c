-- Items: what agents tell and ask, and what people answer.

create type inbox_item_level as enum ('info', 'success', 'warning', 'error');
create type inbox_item_status as enum ('open', 'answered', 'dismissed', 'expired', 'withdrawn');
create type inbox_channel_mode as enum ('open', 'private', 'direct');

create table inbox_channels (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  description text not null default '',
  mode inbox_channel_mode not null default 'open',
  team_id uuid,
  critical boolean not null default false,
  routes jsonb not null default '[]',
  publish_token_hash text unique,
  publish_principal uuid,
  -- 'org_notices': what the server tells Owners and Admins; kept apart from the name, which people may change.
  purpose text,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  deleted_at timestamptz,
  unique (org_id, id),
  foreign key (org_id, team_id) references identity_teams (org_id, id)
);
create unique index inbox_channels_name on inbox_channels (org_id, lower(name)) where deleted_at is null;
create unique index inbox_channels_purpose on inbox_channels (org_id, purpose) where purpose is not null;
create index inbox_channels_team on inbox_channels (org_id, team_id) where team_id is not null;

create table inbox_channel_members (
  org_id uuid not null,
  channel_id uuid not null,
  user_id uuid not null,
  added_at timestamptz not null,
  primary key (channel_id, user_id),
  foreign key (org_id, channel_id) references inbox_channels (org_id, id) on delete cascade,
  foreign key (org_id, user_id) references identity_members (org_id, user_id) on delete cascade
);
create index inbox_channel_members_user on inbox_channel_members (org_id, user_id);

create table inbox_channel_rules (
  org_id uuid not null,
  channel_id uuid not null,
  user_id uuid not null,
  muted boolean not null default false,
  min_level inbox_item_level not null default 'info',
  sound text not null default 'default' check (sound in ('default', 'none', 'alert')),
  email_enabled boolean not null default false,
  email_digest boolean not null default false,
  primary key (channel_id, user_id),
  foreign key (org_id, channel_id) references inbox_channels (org_id, id) on delete cascade,
  foreign key (org_id, user_id) references identity_members (org_id, user_id) on delete cascade
);

create table inbox_items (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  kind text not null check (kind in ('notice', 'question', 'approval')),
  title text not null,
  message text not null default '',
  level inbox_item_level not null default 'info',
  status inbox_item_status not null default 'open',
  priority smallint not null default 0 check (priority between 0 and 4),
  form jsonb,
  approval jsonb,
  actions jsonb not null default '[]',
  require jsonb,
  channel_id uuid,
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  created_by_type actor_type not null,
  created_by_id uuid not null,
  created_by_name text not null,
  created_by_owner_id uuid,
  assignee_id uuid,
  claimed_by_id uuid,
  claimed_by_name text,
  claimed_until timestamptz,
  parent_id uuid,
  related_to uuid[] not null default '{}',
  run_id text,
  call_id text,
  state text,
  idempotency_key text,
  request_hash text,
  dedupe_key text,
  occurrences int not null default 1,
  first_occurred_at timestamptz not null,
  last_occurred_at timestamptz not null,
  on_timeout text check (on_timeout in ('expire', 'default', 'deny', 'escalate')),
  escalation jsonb not null default '[]',
  escalated_steps int not null default 0,
  next_escalation_at timestamptz,
  reminders_s int[] not null default '{}',
  reminders_sent int not null default 0,
  next_reminder_at timestamptz,
  deadline_at timestamptz,
  ttl_ms bigint,
  expires_at timestamptz,
  snoozed_until timestamptz,
  pinned_at timestamptz,
  archived_at timestamptz,
  answered_at timestamptz,
  answered_by_type actor_type,
  answered_by_id uuid,
  answered_by_name text,
  answer_source text check (answer_source in ('person', 'timeout', 'rule', 'quota', 'system', 'client')),
  response jsonb,
  reply jsonb,
  decision text,
  corrected boolean not null default false,
  sealed_values text,
  sealed_taken_at timestamptz,
  correctable_until timestamptz,
  last_action jsonb,
  withdrawn_reason text,
  generation int not null default 1,
  comment_count int not null default 0,
  attachment_count int not null default 0,
  snooze_generation int not null default 0,
  opened_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search tsvector,
  unique (org_id, id),
  foreign key (org_id, channel_id) references inbox_channels (org_id, id),
  foreign key (org_id, parent_id) references inbox_items (org_id, id) on delete set null (parent_id)
);
create index inbox_items_page on inbox_items (org_id, created_at desc, id desc) where deleted_at is null;
create index inbox_items_open on inbox_items (org_id, created_at desc, id desc) where status = 'open' and deleted_at is null and archived_at is null;
create index inbox_items_channel on inbox_items (org_id, channel_id, created_at desc, id desc) where deleted_at is null;
create index inbox_items_creator on inbox_items (org_id, created_by_id, created_at desc, id desc) where deleted_at is null;
create unique index inbox_items_idempotency on inbox_items (org_id, created_by_id, idempotency_key) where idempotency_key is not null;
create unique index inbox_items_dedupe on inbox_items (org_id, created_by_id, dedupe_key) where dedupe_key is not null and status = 'open' and deleted_at is null;
create index inbox_items_expiry on inbox_items (expires_at) where status = 'open' and expires_at is not null;
create index inbox_items_snooze on inbox_items (snoozed_until) where snoozed_until is not null;
create index inbox_items_escalation on inbox_items (next_escalation_at) where status = 'open' and next_escalation_at is not null;
create index inbox_items_reminder on inbox_items (next_reminder_at) where status = 'open' and next_reminder_at is not null;
create index inbox_items_archiving on inbox_items (updated_at) where status in ('answered', 'dismissed') and archived_at is null;
create index inbox_items_run on inbox_items (org_id, run_id) where run_id is not null;
create index inbox_items_parent on inbox_items (org_id, parent_id) where parent_id is not null;
create index inbox_items_assignee on inbox_items (org_id, assignee_id) where assignee_id is not null and status = 'open';
create index inbox_items_tags on inbox_items using gin (tags);
create index inbox_items_search on inbox_items using gin (search);

create function inbox_items_fill_search() returns trigger language plpgsql as $$
begin
  new.search := setweight(to_tsvector('simple', new.title), 'A')
    || setweight(to_tsvector('simple', array_to_string(new.tags, ' ')), 'B')
    || setweight(to_tsvector('simple', left(new.message, 20000)), 'C');
  return new;
end $$;
create trigger inbox_items_search_fill before insert or update of title, message, tags on inbox_items
  for each row execute function inbox_items_fill_search();

-- Calls that were folded into an open item by dedupe_key, so that repeating one of them does not count again.
create table inbox_repeats (
  org_id uuid not null,
  created_by_id uuid not null,
  idempotency_key text not null,
  request_hash text not null,
  item_id uuid not null,
  at timestamptz not null,
  primary key (org_id, created_by_id, idempotency_key),
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);

create table inbox_responses (
  id uuid primary key,
  org_id uuid not null,
  item_id uuid not null,
  by_type actor_type not null,
  by_id uuid,
  by_name text not null,
  source text not null,
  values jsonb,
  reply jsonb,
  decision text,
  generation int not null,
  device text,
  supersedes uuid references inbox_responses on delete set null,
  created_at timestamptz not null,
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);
create index inbox_responses_item on inbox_responses (org_id, item_id, created_at);

create table inbox_comments (
  id uuid primary key,
  org_id uuid not null,
  item_id uuid not null,
  author_type actor_type not null,
  author_id uuid,
  author_name text not null,
  body text not null,
  mentions uuid[] not null default '{}',
  created_at timestamptz not null,
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);
create index inbox_comments_item on inbox_comments (org_id, item_id, created_at, id);
create index inbox_comments_author on inbox_comments (org_id, author_id);

create table inbox_watchers (
  org_id uuid not null,
  item_id uuid not null,
  principal_type actor_type not null,
  principal_id uuid not null,
  added_at timestamptz not null,
  primary key (item_id, principal_id),
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);
create index inbox_watchers_principal on inbox_watchers (org_id, principal_id);

create table inbox_item_views (
  org_id uuid not null,
  item_id uuid not null,
  principal_id uuid not null,
  viewed_at timestamptz not null,
  primary key (item_id, principal_id),
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);

create table inbox_attachments (
  id uuid primary key,
  org_id uuid not null,
  item_id uuid not null,
  name text not null,
  size bigint not null,
  mime text not null,
  sha256 text not null,
  uploaded_by_type actor_type not null,
  uploaded_by_id uuid,
  uploaded_by_name text not null,
  created_at timestamptz not null,
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);
create index inbox_attachments_item on inbox_attachments (org_id, item_id, created_at, id);
create index inbox_attachments_blob on inbox_attachments (sha256);

create table inbox_drafts (
  org_id uuid not null,
  item_id uuid not null,
  user_id uuid not null references identity_users on delete cascade,
  values jsonb not null,
  sealed_values text,
  page text,
  updated_at timestamptz not null,
  primary key (item_id, user_id),
  foreign key (org_id, item_id) references inbox_items (org_id, id) on delete cascade
);

create table inbox_always_rules (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  agent_id uuid not null,
  agent_type actor_type not null,
  agent_name text not null,
  tool text not null,
  argument_prefix jsonb not null,
  uses int not null default 0,
  -- The approval whose answer made the rule: correcting that answer ends it.
  item_id uuid,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz
);
create index inbox_always_rules_agent on inbox_always_rules (org_id, agent_id, tool) where revoked_at is null;

create table inbox_templates (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  name text not null,
  description text not null default '',
  form jsonb not null,
  created_by_type actor_type not null,
  created_by_id uuid,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index inbox_templates_name on inbox_templates (org_id, lower(name));

create table inbox_views (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  user_id uuid not null references identity_users on delete cascade,
  name text not null,
  filter jsonb not null,
  position int not null default 0,
  created_at timestamptz not null
);
create unique index inbox_views_name on inbox_views (org_id, user_id, lower(name));

-- Items are read far more often than they are talked about, so the row carries the counts.
create function inbox_items_count() returns trigger language plpgsql as $$
declare
  step int := case when tg_op = 'INSERT' then 1 else -1 end;
  item uuid := case when tg_op = 'INSERT' then new.item_id else old.item_id end;
begin
  if tg_table_name = 'inbox_comments' then
    update inbox_items set comment_count = comment_count + step where id = item;
  else
    update inbox_items set attachment_count = attachment_count + step where id = item;
  end if;
  return null;
end $$;
create trigger inbox_comments_count after insert or delete on inbox_comments
  for each row execute function inbox_items_count();
create trigger inbox_attachments_count after insert or delete on inbox_attachments
  for each row execute function inbox_items_count();
