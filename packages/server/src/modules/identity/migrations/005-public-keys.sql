-- Keys of agents for other modules, which may not look into the tables of this one. Everybody may know them.
create view identity_public_keys as
  select org_id, agent_id, public_key, fingerprint, created_at, replaced_at from identity_agent_keys;

-- Administrators look after what is public; owners may do everything already.
update identity_roles set permissions = array_append(permissions, 'diaries.moderate')
  where system = 'admin' and org_id is null and not ('diaries.moderate' = any(permissions));
