-- What roles may do about backups; whoever does it is an operator as well.
update identity_roles set permissions = permissions || array['backups.manage']
  where system = 'admin' and org_id is null;
