/** Facts about share links, shown to those who manage routes. */
export const gatewayShareEvents = {
  created: 'gateway.share.created',
  used: 'gateway.share.used',
  revoked: 'gateway.share.revoked',
} as const;
