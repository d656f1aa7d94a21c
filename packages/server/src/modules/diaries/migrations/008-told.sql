-- Events outlive entries and diaries. What is gone for good must not be read out of them.

-- By diary, and by entry within it.
create index core_events_diaries on core_events ((body->>'diary_id'), subject_id)
  where starts_with(kind, 'diary.') and body ? 'diary_id';

update core_events v set body = v.body
    || case when v.body ? 'title' then '{"title": null}'::jsonb else '{}' end
    || case when v.body ? 'tags' then '{"tags": []}'::jsonb else '{}' end
    || case when v.body ? 'name' then '{"name": ""}'::jsonb else '{}' end
  where starts_with(v.kind, 'diary.') and v.body ? 'diary_id' and (v.body ? 'title' or v.body ? 'name')
    and (not exists (select from diary_diaries d where d.id::text = v.body->>'diary_id')
      or starts_with(v.kind, 'diary.entry.')
        and not exists (select from diary_entries e where e.id = v.subject_id and e.erased_at is null));
