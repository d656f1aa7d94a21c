-- How whoever asked proved who they are, for the line that says so. Null where nobody had to: a publish address, the
-- server itself.
alter table inbox_items add column asked_with text check (asked_with in ('session', 'api_key', 'access_token'));
-- Until now a machine with an owner had no other way in than its key. Of people it is not known.
update inbox_items set asked_with = 'api_key' where created_by_type <> 'user' and created_by_owner_id is not null;
