-- Keeping a memory in order: entries that say the same, and how often each is used.

alter table diary_relations
  -- Of a proposal to merge: why, and how alike the two texts are.
  add column reason text check (reason in ('same_text', 'similar_text')),
  add column similarity real check (similarity between 0 and 1),
  add check ((reason is null) = (similarity is null));
create index diary_relations_merges on diary_relations (diary_id, created_at desc, id desc) where reason is not null;

-- Apart from the entries, so that being read does not change an entry, and from all that ranks.
create table diary_access (
  entry_id uuid not null references diary_entries on delete cascade,
  diary_id uuid not null,
  day date not null,
  reads int not null default 0,
  searches int not null default 0,
  primary key (entry_id, day)
);
create index diary_access_diary on diary_access (diary_id, day);
create index diary_access_day on diary_access (day);
