-- How far each broker outside has been given the events of each organisation.
create table core_event_sinks (
  name text primary key,
  created_at timestamptz not null
);
comment on table core_event_sinks is 'a sink begins with what happens after this row was made';

create table core_event_sink_positions (
  sink text not null references core_event_sinks (name) on delete cascade,
  org_id uuid not null,
  seq bigint not null,
  primary key (sink, org_id)
);
comment on column core_event_sink_positions.seq is 'events up to this one were taken by the broker, or are not for it';
