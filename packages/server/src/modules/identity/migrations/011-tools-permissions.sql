-- What roles may do with tools of MCP servers.
update identity_roles set permissions = permissions || array['tools.use', 'tools.manage']
  where system = 'admin' and org_id is null;
update identity_roles set permissions = permissions || array['tools.use']
  where system = 'member' and org_id is null;
