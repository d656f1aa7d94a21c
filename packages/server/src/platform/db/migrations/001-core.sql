-- Ground of every module: events, audit trail, settings, counters, idempotency keys, stored files, leases.

-- One row an organisation. Its row lock is taken at the end of each transaction and held until commit, so that
-- seq follows commit order: seq n+1 cannot be given out before the transaction that holds n is over.
create table core_event_heads (
  org_id uuid primary key,
  last_seq bigint not null default 0,
  floor_seq bigint not null default 0,
  audit_seq bigint not null default 0,
  audit_hash text not null default ''
) with (fillfactor = 50);
comment on column core_event_heads.floor_seq is 'events up to this seq are pruned; a replay from below it must resync';
comment on column core_event_heads.audit_hash is 'hash of the newest audit row, so that a cut-off tail is found';

create table core_events (
  org_id uuid not null,
  seq bigint not null,
  kind text not null,
  subject_id uuid not null,
  actor_type text not null check (actor_type in ('user', 'agent', 'device', 'service', 'system')),
  actor_id uuid,
  actor_name text not null,
  body jsonb not null,
  at timestamptz not null,
  primary key (org_id, seq)
);

create table core_audit (
  id uuid primary key,
  org_id uuid not null,
  seq bigint not null,
  at timestamptz not null,
  actor_type text not null check (actor_type in ('user', 'agent', 'device', 'service', 'system')),
  actor_id uuid,
  actor_name text not null,
  action text not null,
  target_type text,
  target_id text,
  item_id uuid,
  details jsonb not null,
  ip text,
  user_agent text,
  trace_id text,
  request_id text not null,
  prev_hash text not null,
  hash text not null,
  unique (org_id, seq)
);
create index core_audit_by_item on core_audit (org_id, item_id, seq desc) where item_id is not null;
create index core_audit_by_actor on core_audit (org_id, actor_id, seq desc);
create index core_audit_by_time on core_audit (org_id, at);

-- What a pruned beginning leaves behind: the hash the remaining rows build on, signed with a key of the server, so
-- that deleting rows by hand cannot be passed off as pruning.
create table core_audit_checkpoints (
  org_id uuid not null,
  through_seq bigint not null,
  hash text not null,
  at timestamptz not null,
  signature text not null,
  primary key (org_id, through_seq)
);

-- Atrium may run with one database role that owns its tables, so withheld privileges alone would not protect the
-- trail. This trigger refuses every change; only core_audit_prune sets the variable that lets a DELETE through.
create function core_audit_refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('atrium.audit_prune', true) = 'on' then
    return old;
  end if;
  raise exception 'core_audit is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger core_audit_append_only before update or delete on core_audit
  for each row execute function core_audit_refuse_change();
create trigger core_audit_no_truncate before truncate on core_audit
  for each statement execute function core_audit_refuse_change();

-- Deletes rows up to p_through and records the signed checkpoint, in one step. The definer's rights let a separate
-- application role without DELETE call it; the function-local setting ends with the call.
create function core_audit_prune(p_org uuid, p_through bigint, p_hash text, p_at timestamptz, p_signature text)
returns bigint language plpgsql security definer set search_path from current as $$
declare
  v_deleted bigint;
begin
  perform 1 from core_event_heads where org_id = p_org for update;
  if not exists (select 1 from core_audit where org_id = p_org and seq = p_through and hash = p_hash) then
    return 0;
  end if;
  insert into core_audit_checkpoints (org_id, through_seq, hash, at, signature)
    values (p_org, p_through, p_hash, p_at, p_signature);
  perform set_config('atrium.audit_prune', 'on', true);
  delete from core_audit where org_id = p_org and seq <= p_through;
  get diagnostics v_deleted = row_count;
  perform set_config('atrium.audit_prune', '', true);
  return v_deleted;
end $$;

create table core_settings (
  org_id uuid,
  key text not null,
  value jsonb not null,
  updated_at timestamptz not null,
  unique nulls not distinct (org_id, key)
);
comment on column core_settings.org_id is 'null for the whole server';

create table core_rate_counters (
  bucket text not null,
  key text not null,
  window_ms bigint not null,
  window_start bigint not null,
  current bigint not null,
  previous bigint not null,
  expires_at timestamptz not null,
  primary key (bucket, key)
) with (fillfactor = 70);
create index core_rate_counters_by_expiry on core_rate_counters (expires_at);

create table core_idempotency_keys (
  org_id uuid not null,
  principal_id uuid not null,
  operation text not null,
  key text not null,
  request_hash text not null,
  response text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (org_id, principal_id, operation, key)
);
create index core_idempotency_keys_by_expiry on core_idempotency_keys (expires_at);
comment on column core_idempotency_keys.response is 'encrypted; null only inside the transaction that makes it';

create table core_blobs (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null,
  refcount bigint not null check (refcount >= 0),
  created_at timestamptz not null,
  unreferenced_at timestamptz
);
create index core_blobs_unreferenced on core_blobs (unreferenced_at) where refcount = 0;

create table core_leases (
  name text primary key,
  holder text not null,
  until timestamptz not null,
  started_at timestamptz not null
);

-- Rolls a counter forward to the window that contains p_now and returns it locked.
create function core_rate_roll(p_bucket text, p_key text, p_now bigint, p_window bigint)
returns core_rate_counters language sql as $$
  insert into core_rate_counters as c (bucket, key, window_ms, window_start, current, previous, expires_at)
  values (p_bucket, p_key, p_window, p_now - p_now % p_window, 0, 0, to_timestamp((p_now + 2 * p_window) / 1000.0))
  on conflict (bucket, key) do update set
    window_ms = excluded.window_ms,
    window_start = case when c.window_ms = excluded.window_ms
      then greatest(c.window_start, excluded.window_start) else excluded.window_start end,
    current = case when c.window_ms = excluded.window_ms and c.window_start >= excluded.window_start
      then c.current else 0 end,
    previous = case
      when c.window_ms <> excluded.window_ms then 0
      when c.window_start >= excluded.window_start then c.previous
      when c.window_start = excluded.window_start - excluded.window_ms then c.current
      else 0 end,
    expires_at = excluded.expires_at
  returning *
$$;

-- Sliding window by two counters: the previous window counts by the share that still overlaps the last p_window.
create function core_rate_hit(p_bucket text, p_key text, p_now bigint, p_window bigint, p_limit bigint, p_cost bigint,
  out allowed boolean, out window_start bigint, out current bigint, out previous bigint) language plpgsql as $$
declare
  c core_rate_counters;
begin
  c := core_rate_roll(p_bucket, p_key, p_now, p_window);
  allowed := c.previous * (1 - greatest(p_now - c.window_start, 0)::float8 / p_window) + c.current + p_cost <= p_limit;
  window_start := c.window_start;
  current := c.current;
  previous := c.previous;
  if allowed then
    current := c.current + p_cost;
    update core_rate_counters r set current = core_rate_hit.current where r.bucket = p_bucket and r.key = p_key;
  end if;
end $$;

-- Adds what a process has counted by itself and returns the sums of all processes, in the order given.
-- Callers sort by bucket and key, so that two batches cannot deadlock.
create function core_rate_add(p_now bigint, p_entries jsonb)
returns table (window_start bigint, current bigint, previous bigint) language plpgsql as $$
declare
  e record;
  c core_rate_counters;
begin
  for e in select * from jsonb_to_recordset(p_entries) as x(bucket text, key text, window_ms bigint, cost bigint) loop
    c := core_rate_roll(e.bucket, e.key, p_now, e.window_ms);
    if e.cost > 0 then
      update core_rate_counters r set current = r.current + e.cost where r.bucket = e.bucket and r.key = e.key
        returning r.* into c;
    end if;
    window_start := c.window_start;
    current := c.current;
    previous := c.previous;
    return next;
  end loop;
end $$;

-- The end of a business transaction in one round trip: events, audit lines, jobs and the kept response.
-- p.groups holds one entry an organisation, sorted by org_id, so that two transactions lock heads in one order.
-- Returns the last seq of each group, in the same order.
create function core_commit(p jsonb) returns bigint[] language plpgsql as $$
declare
  g jsonb;
  a jsonb;
  j jsonb;
  v_org uuid;
  v_events bigint;
  v_seq bigint;
  v_audit_seq bigint;
  v_hash text;
  v_prev text;
  v_result bigint[] := '{}';
begin
  if p ? 'idempotency' then
    update core_idempotency_keys k set response = p->'idempotency'->>'response'
      where k.org_id = (p->'idempotency'->>'org_id')::uuid
        and k.principal_id = (p->'idempotency'->>'principal_id')::uuid
        and k.operation = p->'idempotency'->>'operation' and k.key = p->'idempotency'->>'key';
  end if;

  -- Jobs before the heads: the head locks are what others wait for, so they are taken as late as possible.
  for j in select value from jsonb_array_elements(p->'jobs') loop
    perform dbos.enqueue_workflow(
      workflow_name => j->>'name', queue_name => j->>'queue', workflow_id => j->>'id',
      positional_args => array[(j->'args')::json], delay_until_epoch_ms => (j->>'run_at_ms')::bigint);
  end loop;

  for g in select value from jsonb_array_elements(p->'groups') loop
    v_org := (g->>'org_id')::uuid;
    v_events := jsonb_array_length(g->'events');
    insert into core_event_heads as h (org_id, last_seq) values (v_org, v_events)
      on conflict (org_id) do update set last_seq = h.last_seq + excluded.last_seq
      returning h.last_seq, h.audit_seq, h.audit_hash into v_seq, v_audit_seq, v_hash;

    if v_events > 0 then
      insert into core_events (org_id, seq, kind, subject_id, actor_type, actor_id, actor_name, body, at)
        select v_org, v_seq - v_events + e.n, e.value->>'kind', (e.value->>'id')::uuid, e.value->>'actor_type',
               (e.value->>'actor_id')::uuid, e.value->>'actor_name', e.value->'body', (p->>'at')::timestamptz
        from jsonb_array_elements(g->'events') with ordinality as e(value, n);
      perform pg_notify('atrium_events', v_org || ':' || v_seq);
    end if;

    if jsonb_array_length(g->'audit') > 0 then
      for a in select value from jsonb_array_elements(g->'audit') loop
        v_prev := v_hash;
        v_audit_seq := v_audit_seq + 1;
        -- The same text is built by audit-chain.ts, which verifies it.
        v_hash := encode(sha256(convert_to(v_prev || E'\n' || v_audit_seq || E'\n' || (a->>'canonical'), 'UTF8')), 'hex');
        insert into core_audit (id, org_id, seq, at, actor_type, actor_id, actor_name, action, target_type, target_id,
            item_id, details, ip, user_agent, trace_id, request_id, prev_hash, hash)
          select r.id, v_org, v_audit_seq, r.at, r.actor_type, r.actor_id, r.actor_name, r.action, r.target_type,
                 r.target_id, r.item_id, r.details, r.ip, r.user_agent, r.trace_id, r.request_id, v_prev, v_hash
          from jsonb_populate_record(null::core_audit, a->'row') as r;
      end loop;
      update core_event_heads set audit_seq = v_audit_seq, audit_hash = v_hash where org_id = v_org;
    end if;
    v_result := v_result || v_seq;
  end loop;
  return v_result;
end $$;
