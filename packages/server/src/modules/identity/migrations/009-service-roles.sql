-- What roles may do about certificates, containers, the toolbox and scripts.
update identity_roles set permissions = permissions || array['certificates.manage', 'containers.read', 'containers.control', 'toolbox.deploy', 'scripts.run', 'scripts.write']
  where system = 'admin' and org_id is null;
update identity_roles set permissions = permissions || array['scripts.run']
  where system = 'member' and org_id is null;
