-- Diaries: what agents and people remember, and who may read it.

create table diary_diaries (
  id uuid primary key,
  org_id uuid not null references identity_orgs on delete cascade,
  owner_kind text not null check (owner_kind in ('agent', 'user')),
  owner_id uuid not null,
  name text not null check (char_length(name) between 1 and 255),
  visibility text not null default 'private' check (visibility in ('private', 'network', 'public')),
  signed boolean not null default false,
  language text not null default 'english',
  injection_policy text not null default 'flag' check (injection_policy in ('flag', 'quarantine', 'refuse')),
  chain_head text,
  -- Counts what changed who may do what here; every tuple carries the number it came with.
  revision bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index diary_diaries_org on diary_diaries (org_id);
create index diary_diaries_owner on diary_diaries (owner_id);
create index diary_diaries_name on diary_diaries (name);
create index diary_diaries_page on diary_diaries (created_at desc, id desc);
create index diary_diaries_open on diary_diaries (created_at desc, id desc) where visibility <> 'private';

create table diary_entries (
  id uuid primary key,
  diary_id uuid not null references diary_diaries on delete cascade,
  org_id uuid not null,
  title text check (char_length(title) <= 255),
  content text not null,
  tags text[] not null default '{}',
  entry_type text not null default 'semantic'
    check (entry_type in ('semantic', 'episodic', 'procedural', 'reflection', 'identity', 'soul')),
  importance smallint not null default 5 check (importance between 1 and 10),
  injection_risk boolean not null default false,
  -- Names of the rules of the scanner that it matched.
  injection_rules text[] not null default '{}',
  status text not null default 'active' check (status in ('active', 'quarantined', 'archived', 'dead_end')),
  confidence real check (confidence between 0 and 1),
  valid_from timestamptz,
  valid_to timestamptz,
  expires_at timestamptz,
  -- The time decides that an entry is retired; the link goes when what replaced it is purged.
  superseded_by uuid references diary_entries on delete set null,
  superseded_at timestamptz,
  author_kind actor_type not null,
  author_id uuid,
  author_name text not null,
  content_hash text not null,
  content_id text not null,
  prev_hash text,
  chain_hash text,
  signature text unique,
  length int not null,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Deleted entries are in no answer; their history can bring them back until a sweep purges them.
  deleted_at timestamptz,
  check (superseded_by <> id),
  check (valid_from is null or valid_to is null or valid_from < valid_to)
);
create index diary_entries_page on diary_entries (diary_id, created_at desc, id desc);
create index diary_entries_same on diary_entries (diary_id, content_hash);
create index diary_entries_tags on diary_entries using gin (tags);
create index diary_entries_replaces on diary_entries (superseded_by) where superseded_by is not null;
create index diary_entries_expiry on diary_entries (expires_at) where expires_at is not null;
create index diary_entries_deleted on diary_entries (deleted_at) where deleted_at is not null;
create index diary_entries_author on diary_entries (author_id);

-- What an entry was after each change. Number one is what was first written.
create table diary_entry_revisions (
  entry_id uuid not null references diary_entries on delete cascade,
  version int not null,
  act text not null,
  actor_kind actor_type not null,
  actor_id uuid,
  actor_name text not null,
  at timestamptz not null,
  title text,
  content text not null,
  tags text[] not null,
  entry_type text not null,
  importance smallint not null,
  status text not null,
  confidence real,
  valid_from timestamptz,
  valid_to timestamptz,
  expires_at timestamptz,
  superseded_by uuid,
  content_id text not null,
  primary key (entry_id, version)
);
create index diary_entry_revisions_actor on diary_entry_revisions (actor_id);

create table diary_shares (
  id uuid primary key,
  diary_id uuid not null references diary_diaries on delete cascade,
  org_id uuid not null,
  subject_kind text not null check (subject_kind in ('agent', 'user', 'team')),
  shared_with uuid not null,
  role text not null default 'reader' check (role in ('reader', 'writer')),
  status text not null check (status in ('pending', 'accepted', 'declined', 'revoked')),
  invited_by_kind actor_type not null,
  invited_by_id uuid,
  invited_by_name text not null,
  invited_at timestamptz not null,
  responded_at timestamptz,
  -- An unanswered invitation is good until then.
  invitation_expires_at timestamptz not null,
  -- What was granted ends then.
  expires_at timestamptz,
  unique (diary_id, subject_kind, shared_with)
);
create index diary_shares_subject on diary_shares (shared_with, status);
create index diary_shares_inviter on diary_shares (invited_by_id);

-- "Subject has relation to object". diary_id is the diary that the object is or belongs to: with it all tuples go.
create table diary_tuples (
  namespace text not null check (namespace in ('Diary', 'DiaryEntry')),
  object_id uuid not null,
  relation text not null check (relation in ('owner', 'writers', 'readers', 'parent')),
  subject_namespace text not null check (subject_namespace in ('Agent', 'User', 'Team', 'Diary')),
  subject_id uuid not null,
  subject_relation text not null default '' check (subject_relation in ('', 'member')),
  diary_id uuid not null references diary_diaries on delete cascade,
  org_id uuid not null,
  expires_at timestamptz,
  revision bigint not null,
  primary key (namespace, object_id, relation, subject_namespace, subject_id, subject_relation)
);
create index diary_tuples_subject on diary_tuples (subject_id, subject_namespace, relation) where namespace = 'Diary';
create index diary_tuples_diary on diary_tuples (diary_id);
create index diary_tuples_org on diary_tuples (org_id);

create table diary_relations (
  id uuid primary key,
  diary_id uuid not null references diary_diaries on delete cascade,
  org_id uuid not null,
  from_id uuid not null references diary_entries on delete cascade,
  to_id uuid not null references diary_entries on delete cascade,
  kind text not null check (kind in ('supersedes', 'elaborates', 'contradicts', 'supports', 'caused_by', 'references')),
  status text not null default 'proposed' check (status in ('proposed', 'accepted', 'rejected')),
  -- What both said when the relation was named.
  from_content_id text not null,
  to_content_id text not null,
  proposed_by_kind actor_type not null,
  proposed_by_id uuid,
  proposed_by_name text not null,
  decided_by_kind actor_type,
  decided_by_id uuid,
  decided_by_name text,
  created_at timestamptz not null,
  decided_at timestamptz,
  check (from_id <> to_id),
  unique (from_id, to_id, kind)
);
create index diary_relations_to on diary_relations (to_id);
create index diary_relations_diary on diary_relations (diary_id);
