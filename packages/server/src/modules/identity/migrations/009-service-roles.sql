-- What roles may do about certificates, containers, the toolbox, scripts, linked servers, backups, hooks and tools.
update identity_roles set permissions = permissions || array['certificates.manage', 'containers.read', 'containers.control', 'toolbox.deploy', 'scripts.run', 'scripts.write', 'federation.manage', 'backups.manage', 'hooks.manage', 'tools.use', 'tools.manage']
  where system = 'admin' and org_id is null;
update identity_roles set permissions = permissions || array['scripts.run', 'tools.use']
  where system = 'member' and org_id is null;
