-- Where each word stands in a diary: a search reads these lists instead of every entry that holds one of its words.

-- A posting has eight bytes: position of the entry (4), how often it holds the word, the title counted twice (1), whether it
-- ends as a question (high bit) and how often its date holds the word (1), its length in words (2). Of two for one position
-- the later counts; one that ends in four zeros says that the word stands there no more.
create table diary_postings (
  diary_id uuid not null references diary_diaries on delete cascade,
  term text collate "C" not null,
  part int not null,
  postings bytea not null,
  primary key (diary_id, term, part)
) with (toast_tuple_target = 4080);
alter table diary_postings alter column postings set storage external;

alter table diary_term_stats
  -- The newest postings. Once there are 64 they are moved to diary_postings, four lots to a part.
  add column recent bytea not null default '',
  add column moved int not null default 0;
alter table diary_term_stats alter column recent set storage external;

create function diary_posting(place bigint, held int, dated int, asks boolean, words int) returns bytea
language sql immutable
  return int8send((place << 32) | (least(held, 255)::bigint << 24)
    | (((asks::int << 7) | least(dated, 127))::bigint << 16) | least(words, 65535)::bigint);

-- Words and their postings of one entry.
create function diary_postings_of(tsv tsvector, place bigint, asks boolean, words int)
returns table (term text, posting bytea) language sql immutable
begin atomic
  select l.lexeme collate "C", diary_posting(place,
      coalesce(cardinality(l.positions) + cardinality(array_positions(l.weights, 'A')) - cardinality(array_positions(l.weights, 'C')), 1),
      coalesce(cardinality(array_positions(l.weights, 'C')), 0), asks, words)
    from unnest(tsv) l;
end;

insert into diary_postings (diary_id, term, part, postings)
  select diary_id, term, n / 256, string_agg(posting, '' order by position)
  from (
    select e.diary_id, p.term, e.position, p.posting,
      (row_number() over (partition by e.diary_id, p.term order by e.position) - 1)::int as n
    from diary_entries e, diary_postings_of(e.tsv, e.position, e.asks, e.words) p where diary_entries_counted(e)
  ) each
  group by diary_id, term, n / 256;
update diary_term_stats s set moved = 4 * p.parts
  from (select diary_id, term, count(*)::int as parts from diary_postings group by diary_id, term) p
  where p.diary_id = s.diary_id and p.term = s.term;

-- What readers do not see has no postings; who may see it finds it here.
create index diary_entries_set_aside on diary_entries using gin (tsv, (array[diary_id]))
  where deleted_at is null and (status = 'quarantined' or hidden_at is not null);
drop index diary_entries_words;

-- With all that a search without further filters asks of a thousand entries, so that it need not read them.
drop index diary_entries_position;
create unique index diary_entries_position on diary_entries (diary_id, position)
  include (id, status, importance, created_at, valid_from, expires_at, superseded_at, hidden_at, deleted_at);

drop function diary_counted_of(diary_entries);
alter type diary_counted add attribute position bigint, add attribute asks boolean;
create function diary_counted_of(e diary_entries) returns diary_counted language sql immutable
  return row(e.diary_id, e.words, e.tsv, e.position, e.asks)::diary_counted;

create or replace function diary_words_count(added diary_counted[], removed diary_counted[]) returns void language plpgsql as $$
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

  with come as (
    select a.diary_id, a.position, p.term, p.posting
    from unnest(added) a, diary_postings_of(a.tsv, a.position, a.asks, a.words) p
  ), gone as (
    select r.diary_id, r.position, l.lexeme collate "C" as term from unnest(removed) r, unnest(r.tsv) l
  ), changed as materialized (
    select diary_id, term, sum(n)::int as n, coalesce(string_agg(posting, '' order by position), '') as postings
    from (
      select diary_id, position, term, 1 as n, posting from come
      union all
      select g.diary_id, g.position, g.term, -1, case when c.term is null then int8send(g.position << 32) end
        from gone g left join come c on c.diary_id = g.diary_id and c.position = g.position and c.term = g.term
    ) each group by diary_id, term
  ), moving as (
    insert into diary_postings as p (diary_id, term, part, postings)
      select c.diary_id, c.term, s.moved / 4, s.recent
      from changed c cross join lateral (
        -- Kept from being planned as a join, which would read the words of every diary.
        select s.moved, s.recent from diary_term_stats s
          where s.diary_id = c.diary_id and s.term = c.term and octet_length(s.recent) >= 512 offset 0) s
      on conflict (diary_id, term, part) do update set postings = p.postings || excluded.postings
  ), kept as (
    insert into diary_term_stats as s (diary_id, term, frequency, recent)
      select diary_id, term, n, postings from changed order by diary_id, term
      on conflict (diary_id, term) do update set frequency = s.frequency + excluded.frequency,
        moved = s.moved + (octet_length(s.recent) >= 512)::int,
        recent = case when octet_length(s.recent) >= 512 then excluded.recent else s.recent || excluded.recent end
      returning s.term, s.xmax = 0 as is_new
  )
  insert into diary_term_grams (gram, term, pieces)
    select distinct p.gram, p.term, count(*) over (partition by p.term)
    from (select distinct substr('^' || k.term || '$', at, 3) as gram, k.term
      from kept k, generate_series(1, length(k.term)) at
      where k.is_new and length(k.term) between 4 and 40 and k.term !~ '[0-9]') p
    order by p.gram, p.term on conflict do nothing;

  if cardinality(removed) > 0 then
    with ended as (
      delete from diary_term_stats s using (select distinct r.diary_id, l.lexeme from unnest(removed) r, unnest(r.tsv) l) g
        where s.diary_id = g.diary_id and s.term = g.lexeme and s.frequency <= 0 returning s.diary_id, s.term
    )
    delete from diary_postings p using ended e where p.diary_id = e.diary_id and p.term = e.term;
  end if;
end $$;

create or replace function diary_entries_count_updated() returns trigger language plpgsql as $$
begin
  perform diary_words_count(
      coalesce(array_agg(diary_counted_of(n)) filter (where diary_entries_counted(n)), '{}'),
      coalesce(array_agg(diary_counted_of(o)) filter (where diary_entries_counted(o)), '{}'))
    from new_rows n join old_rows o on o.id = n.id
    where diary_entries_counted(n) <> diary_entries_counted(o)
      or (diary_entries_counted(n) and (n.tsv <> o.tsv or n.words <> o.words or n.asks <> o.asks))
    having count(*) > 0;
  return null;
end $$;

-- Rewrites the list of a word without what no longer counts. Holds the diary as its writers do.
create function diary_postings_compact(of_diary uuid, of_term text) returns void language plpgsql as $$
declare
  parts bytea[];
begin
  perform from diary_search_totals where diary_id = of_diary for update;
  select array_agg(postings order by part) into parts from (
    select n / 256 as part, string_agg(posting, '' order by posting) as postings from (
      select posting, row_number() over (order by posting) - 1 as n from (
        select distinct on (substr(posting, 1, 4)) posting from (
          select l.part, at, substr(l.postings, at, 8) as posting from (
            select part, postings from diary_postings where diary_id = of_diary and term = of_term
            union all select 2147483647, recent from diary_term_stats where diary_id = of_diary and term = of_term
          ) l, generate_series(1, octet_length(l.postings), 8) at
        ) each order by substr(posting, 1, 4), part desc, at desc
      ) newest where substr(posting, 5, 4) <> '\x00000000'
    ) counted group by n / 256
  ) whole;
  delete from diary_postings where diary_id = of_diary and term = of_term;
  insert into diary_postings (diary_id, term, part, postings)
    select of_diary, of_term, n - 1, postings from unnest(parts) with ordinality w (postings, n);
  update diary_term_stats set recent = '', moved = 4 * coalesce(cardinality(parts), 0)
    where diary_id = of_diary and term = of_term;
end $$;

-- Read by nobody but the search, and kept for a quarter of an hour: not worth being taken apart or compressed.
truncate diary_search_pages;
alter table diary_search_pages alter column answer type text using answer::text;
alter table diary_search_pages alter column answer set storage external;
