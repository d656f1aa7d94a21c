-- Items that stand for a question of another module of this server: their answer is decided there, in the same transaction.
-- The same question may be put again once its former item is closed. No foreign key, as with oauth_approval_id.
alter table inbox_items
  add column decides_kind text check (decides_kind in ('signing_request', 'diary_invitation')),
  add column decides_id uuid,
  add check ((decides_kind is null) = (decides_id is null));
create unique index inbox_items_decides on inbox_items (decides_kind, decides_id)
  where decides_id is not null and status = 'open' and deleted_at is null;
