-- Search of diaries: what each entry is made of, how often words stand in a diary, and vectors of what entries mean.

alter table diary_entries
  -- Place in its diary, given by a trigger. What stands beside an entry helps to tell what it is about.
  add column position bigint,
  -- Title (A), tags (B), words of its date (C) and content (D). Null until it was analysed.
  add column tsv tsvector,
  -- Whose word stems these are. Null: analyse it again.
  add column tsv_language text,
  add column words int not null default 0,
  add column asks boolean not null default false,
  add column embedding_state text not null default 'none' check (embedding_state in ('none', 'pending', 'ready', 'failed'));

update diary_entries e set position = p.position
  from (select id, row_number() over (partition by diary_id order by created_at, id) as position from diary_entries) p
  where p.id = e.id;
alter table diary_entries alter column position set not null;

create unique index diary_entries_position on diary_entries (diary_id, position);
create index diary_entries_words on diary_entries using gin (tsv, (array[diary_id])) where deleted_at is null;
create index diary_entries_unanalysed on diary_entries (id) where tsv_language is null and deleted_at is null;
create index diary_entries_unembedded on diary_entries (updated_at) where embedding_state = 'pending' and deleted_at is null;

-- Of all entries but deleted ones and those that readers do not see: what a search counts must not tell of them.
create table diary_search_totals (
  diary_id uuid primary key references diary_diaries on delete cascade,
  last_position bigint not null default 0,
  entries bigint not null default 0,
  words bigint not null default 0
) with (fillfactor = 50);
insert into diary_search_totals (diary_id, last_position)
  select diary_id, max(position) from diary_entries group by diary_id;

create table diary_term_stats (
  diary_id uuid not null references diary_diaries on delete cascade,
  term text collate "C" not null,
  frequency int not null,
  primary key (diary_id, term)
) with (fillfactor = 80);
create index diary_term_stats_term on diary_term_stats (term);

-- Words of all diaries by their pieces of three letters, to find what a mistyped word was meant to be. An answer is made of
-- those words only that stand in a diary its reader reads.
create table diary_term_grams (
  term text collate "C" primary key,
  grams text[] not null
);
create index diary_term_grams_grams on diary_term_grams using gin (grams);

create function diary_entries_take_place() returns trigger language plpgsql as $$
begin
  insert into diary_search_totals as t (diary_id, last_position) values (new.diary_id, 1)
    on conflict (diary_id) do update set last_position = t.last_position + 1
    returning last_position into new.position;
  return new;
end $$;
create trigger diary_entries_place before insert on diary_entries
  for each row execute function diary_entries_take_place();

create function diary_entries_counted(e diary_entries) returns boolean language sql immutable
  return e.tsv is not null and e.deleted_at is null and e.status <> 'quarantined';

create type diary_counted as (diary_id uuid, words int, tsv tsvector);

create function diary_counted_of(e diary_entries) returns diary_counted language sql immutable
  return row(e.diary_id, e.words, e.tsv)::diary_counted;

-- Whoever counts in a diary holds its row of totals first, so that two writers never wait for each other's words.
create function diary_words_count(added diary_counted[], removed diary_counted[]) returns void language plpgsql as $$
begin
  with counted as (
    select a.diary_id, 1 as n, a.words from unnest(added) a
    union all select r.diary_id, -1, r.words from unnest(removed) r
  ), totals as (
    select diary_id, sum(n) as entries, sum(n * words) as words from counted group by diary_id
  ), held as (
    select t.diary_id from diary_search_totals t where t.diary_id in (select diary_id from totals)
      order by t.diary_id for update
  )
  update diary_search_totals t set entries = t.entries + c.entries, words = t.words + c.words
    from totals c, held h where t.diary_id = c.diary_id and h.diary_id = c.diary_id;

  with counted as (
    select a.diary_id, l.lexeme collate "C" as term, 1 as n from unnest(added) a, unnest(a.tsv) l
    union all select r.diary_id, l.lexeme collate "C", -1 from unnest(removed) r, unnest(r.tsv) l
  ), changed as (
    select diary_id, term, sum(n)::int as n from counted group by diary_id, term having sum(n) <> 0
  ), less as (
    update diary_term_stats s set frequency = s.frequency + c.n from changed c
      where c.n < 0 and s.diary_id = c.diary_id and s.term = c.term
  ), more as (
    insert into diary_term_stats as s (diary_id, term, frequency)
      select diary_id, term, n from changed where n > 0 order by diary_id, term
      on conflict (diary_id, term) do update set frequency = s.frequency + excluded.frequency
      returning s.term, s.frequency, s.xmax = 0 as is_new
  )
  insert into diary_term_grams (term, grams)
    select m.term, array(select distinct substr('^' || m.term || '$', at, 3) from generate_series(1, length(m.term)) at)
    from more m where m.is_new and length(m.term) between 4 and 40 and m.term !~ '[0-9]'
    order by m.term on conflict do nothing;

  if cardinality(removed) > 0 then
    delete from diary_term_stats s using (select distinct r.diary_id, l.lexeme from unnest(removed) r, unnest(r.tsv) l) g
      where s.diary_id = g.diary_id and s.term = g.lexeme and s.frequency <= 0;
  end if;
end $$;

create function diary_entries_count_inserted() returns trigger language plpgsql as $$
begin
  perform diary_words_count(array_agg(diary_counted_of(n)), '{}') from new_rows n where diary_entries_counted(n) having count(*) > 0;
  return null;
end $$;
create trigger diary_entries_inserted after insert on diary_entries
  referencing new table as new_rows for each statement execute function diary_entries_count_inserted();

create function diary_entries_count_updated() returns trigger language plpgsql as $$
begin
  perform diary_words_count(
      coalesce(array_agg(diary_counted_of(n)) filter (where diary_entries_counted(n)), '{}'),
      coalesce(array_agg(diary_counted_of(o)) filter (where diary_entries_counted(o)), '{}'))
    from new_rows n join old_rows o on o.id = n.id
    where diary_entries_counted(n) <> diary_entries_counted(o)
      or (diary_entries_counted(n) and (n.tsv <> o.tsv or n.words <> o.words))
    having count(*) > 0;
  return null;
end $$;
create trigger diary_entries_updated after update on diary_entries
  referencing old table as old_rows new table as new_rows for each statement execute function diary_entries_count_updated();

-- With a whole diary its counts go as well.
create function diary_entries_count_deleted() returns trigger language plpgsql as $$
begin
  perform diary_words_count('{}', array_agg(diary_counted_of(o))) from old_rows o
    where diary_entries_counted(o) and exists (select from diary_diaries d where d.id = o.diary_id) having count(*) > 0;
  return null;
end $$;
create trigger diary_entries_deleted after delete on diary_entries
  referencing old table as old_rows for each statement execute function diary_entries_count_deleted();

-- What a search found, for its further pages: a later entry must not shift them. Lost in a crash, which a reader can bear.
create unlogged table diary_search_pages (
  id uuid primary key,
  principal_id uuid not null,
  org_id uuid not null,
  -- What was asked; a cursor is good for the same question alone.
  question text not null,
  answer jsonb not null,
  created_at timestamptz not null
);
create index diary_search_pages_age on diary_search_pages (created_at);

create table diary_vectors (
  entry_id uuid not null references diary_entries on delete cascade,
  diary_id uuid not null,
  model text not null,
  -- Bit i tells whether component i is at least 0.
  code bit(384) not null,
  -- 384 little-endian float32.
  embedding bytea not null,
  primary key (entry_id, model)
) with (toast_tuple_target = 128);
-- Codes are read for every entry, vectors for the nearest ones: apart, the codes fill few pages.
alter table diary_vectors alter column embedding set storage external;
create index diary_vectors_diary on diary_vectors (diary_id, model);

-- The model whose vectors are complete; a new one takes over once every entry has a vector of it.
create table diary_vector_models (
  only_row boolean primary key default true check (only_row),
  serving text not null
);
