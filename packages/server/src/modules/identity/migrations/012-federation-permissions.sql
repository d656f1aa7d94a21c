-- Who may link this server with others.
update identity_roles set permissions = permissions || array['federation.manage']
  where system = 'admin' and org_id is null;
