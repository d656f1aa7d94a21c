-- Items that ask for an approval of the authorization server: their answer is decided there, in the same transaction.
-- No foreign key: the request is swept long before the item, which keeps what was decided.
alter table inbox_items add column oauth_approval_id uuid;
create unique index inbox_items_oauth_approval on inbox_items (oauth_approval_id) where oauth_approval_id is not null;
