-- What happened on the whole server, hour by hour, for its operators. Processes add what they counted every few seconds.
create table core_hourly_counts (
  hour timestamptz not null,
  kind text not null,
  count bigint not null,
  primary key (hour, kind)
);

-- Operators read what concerns accounts and the authorization server across organisations; items are not theirs to see.
create index core_events_security on core_events (at desc, org_id desc, seq desc)
  where starts_with(kind, 'identity.') or starts_with(kind, 'oauth.');
create index core_audit_security on core_audit (at desc, id desc) where item_id is null;
