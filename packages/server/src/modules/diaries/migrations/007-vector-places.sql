-- Each process keeps the sign codes of the diaries it searches, and asks for those that came since it last looked.

alter table diary_vector_codes
  -- That of its entry.
  add column position bigint,
  -- Counts within the diary; a changed code gets the next one.
  add column version bigint;
update diary_vector_codes c set position = n.position, version = n.version
  from (
    select v.entry_id, v.model, e.position, row_number() over (partition by v.diary_id order by e.position, v.model) as version
    from diary_vector_codes v join diary_entries e on e.id = v.entry_id
  ) n
  where n.entry_id = c.entry_id and n.model = c.model;
-- Without a default, so that nobody writes a code that searches would never come to know of.
alter table diary_vector_codes alter column position set not null, alter column version set not null;
create unique index diary_vector_codes_version on diary_vector_codes (diary_id, version);
drop index diary_vector_codes_diary;

-- The last version given out. Held until commit by who writes codes, so that no lower one appears after a higher one was
-- seen. Apart from diary_search_totals, which writers of entries hold while they wait for entries; and without a foreign key,
-- whose check would wait for whoever deletes the diary, who waits for the entries held here.
create table diary_vector_counts (
  diary_id uuid primary key,
  version bigint not null
) with (fillfactor = 50);
insert into diary_vector_counts (diary_id, version)
  select diary_id, max(version) from diary_vector_codes group by diary_id;

create function diary_vectors_end() returns trigger language plpgsql as $$
begin
  delete from diary_vector_counts c using old_rows o where c.diary_id = o.id;
  return null;
end $$;
create trigger diary_diaries_vectors_end after delete on diary_diaries
  referencing old table as old_rows for each statement execute function diary_vectors_end();
