-- What roles may do at the gateway.
update identity_roles set permissions = permissions || array['apps.open', 'gateway.view', 'routes.read', 'routes.write', 'discovery.decide', 'devices.pair', 'devices.manage']
  where system = 'admin' and org_id is null;
update identity_roles set permissions = permissions || array['apps.open', 'gateway.view', 'routes.read', 'devices.pair']
  where system = 'member' and org_id is null;
update identity_roles set permissions = permissions || array['apps.open']
  where system = 'viewer' and org_id is null;
