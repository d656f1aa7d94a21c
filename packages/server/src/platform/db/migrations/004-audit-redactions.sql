-- People may ask to be forgotten, and the trail must stay whole all the same. A redacted line keeps its place and the
-- hash that it was given; a signature of the server vouches for what stands in it now.
create table core_audit_redactions (
  org_id uuid not null,
  seq bigint not null,
  content_hash text not null,
  at timestamptz not null,
  signature text not null,
  primary key (org_id, seq)
);

create or replace function core_audit_refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('atrium.audit_prune', true) = 'on' then
    return old;
  end if;
  if tg_op = 'UPDATE' and current_setting('atrium.audit_redact', true) = 'on' and
    (new.id, new.org_id, new.seq, new.at, new.actor_type, new.actor_id, new.action, new.target_type, new.target_id,
      new.item_id, new.trace_id, new.request_id, new.prev_hash, new.hash) is not distinct from
    (old.id, old.org_id, old.seq, old.at, old.actor_type, old.actor_id, old.action, old.target_type, old.target_id,
      old.item_id, old.trace_id, old.request_id, old.prev_hash, old.hash) then
    return new;
  end if;
  raise exception 'core_audit is append-only' using errcode = 'insufficient_privilege';
end $$;

-- Takes out of one line what names or places a person; which act it was, when and on what stays.
create function core_audit_redact(p_org uuid, p_seq bigint, p_actor_name text, p_details jsonb, p_ip text,
  p_user_agent text, p_content_hash text, p_at timestamptz, p_signature text)
returns void language plpgsql security definer set search_path from current as $$
begin
  perform set_config('atrium.audit_redact', 'on', true);
  update core_audit set actor_name = p_actor_name, details = p_details, ip = p_ip, user_agent = p_user_agent
    where org_id = p_org and seq = p_seq;
  perform set_config('atrium.audit_redact', '', true);
  insert into core_audit_redactions (org_id, seq, content_hash, at, signature)
    values (p_org, p_seq, p_content_hash, p_at, p_signature)
    on conflict (org_id, seq) do update set content_hash = excluded.content_hash, at = excluded.at,
      signature = excluded.signature;
end $$;
