/** Facts that the control plane announces. */
export const gatewayEvents = {
  appRegistered: 'gateway.app.registered',
  appUpdated: 'gateway.app.updated',
  appDeleted: 'gateway.app.deleted',
  routeCreated: 'gateway.route.created',
  routeUpdated: 'gateway.route.updated',
  routeDeleted: 'gateway.route.deleted',
  cachePurged: 'gateway.route.cache_purged',
  healthChanged: 'gateway.health.changed',
  configReloaded: 'gateway.config.reloaded',
  configRejected: 'gateway.config.rejected',
} as const;
