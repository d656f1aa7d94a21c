-- Removes what the platform itself keeps of a deleted organisation, its audit trail included: the one way, beside
-- pruning, past the trigger that keeps the trail append-only.
create function core_org_erase(p_org uuid) returns void
language plpgsql security definer set search_path from current as $$
begin
  -- The head first: whoever appends to this organisation takes it too, and then waits or goes before.
  delete from core_event_heads where org_id = p_org;
  delete from core_events where org_id = p_org;
  perform set_config('atrium.audit_prune', 'on', true);
  delete from core_audit where org_id = p_org;
  perform set_config('atrium.audit_prune', '', true);
  delete from core_audit_checkpoints where org_id = p_org;
  delete from core_settings where org_id = p_org;
  delete from core_idempotency_keys where org_id = p_org;
end $$;
