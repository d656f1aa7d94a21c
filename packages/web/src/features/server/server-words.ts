import { scopeTitle, severityOf } from '@atrium/protocol';

const grantWords: Readonly<Record<string, string>> = {
  authorization_code: 'Authorization code',
  refresh_token: 'Refresh token',
  client_credentials: 'Client credentials',
  'urn:ietf:params:oauth:grant-type:device_code': 'Device code',
  'urn:ietf:params:oauth:grant-type:token-exchange': 'Token exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer': 'JWT assertion',
  'urn:atrium:params:oauth:grant-type:approval': 'Approval',
  'urn:openid:params:grant-type:ciba': 'CIBA',
};
export const grantWord = (grant: string): string => grantWords[grant] ?? grant;

const methodWords: Readonly<Record<string, string>> = {
  client_secret_basic: 'Secret in the header',
  client_secret_post: 'Secret in the body',
  client_secret_jwt: 'Signature with the secret',
  private_key_jwt: 'Signed assertion',
  tls_client_auth: 'Certificate of a CA',
  self_signed_tls_client_auth: 'Own certificate',
  none: 'Public, with PKCE',
};
export const methodWord = (method: string): string => methodWords[method] ?? method;

export const scopeWord = (scope: string): string => scopeTitle(scope).title;
export const isPowerful = (scope: string): boolean => scopeTitle(scope).privileged;

const eventWords: Readonly<Record<string, string>> = {
  'identity.session.created': 'Session began',
  'identity.session.revoked': 'Session ended',
  'identity.key.created': 'API key made',
  'identity.key.revoked': 'API key revoked',
  'identity.user.updated': 'Account changed by an operator',
  'identity.member.updated': 'Member changed',
  'identity.role.updated': 'Role changed',
  'identity.team.updated': 'Team changed',
  'identity.invitation.updated': 'Invitation changed',
  'identity.agent.created': 'Agent connected',
  'identity.agent.updated': 'Agent changed',
  'identity.agent.deleted': 'Agent deleted',
  'identity.agent.registered': 'Agent came in by a voucher',
  'identity.agent.key_changed': 'Key of an agent changed',
  'identity.agent.secret_rotated': 'Secret of an agent replaced',
  'identity.agent.recovered': 'Agent recovered by its key',
  'identity.agent.recovery_failed': 'Recovery of an agent failed',
  'identity.voucher.issued': 'Voucher issued',
  'identity.voucher.redeemed': 'Voucher redeemed',
  'identity.voucher.revoked': 'Voucher taken back',
  'identity.signing.requested': 'Signature asked for',
  'identity.signing.completed': 'Signature handed in',
  'identity.signing.expired': 'Signature did not come in time',
  'identity.org.updated': 'Organisation changed',
  'identity.org.deleted': 'Organisation deleted',
  'identity.preferences.updated': 'Preferences changed',
  'identity.factor.changed': 'Sign-in method changed',
  'identity.user.signed_in': 'Signed in',
  'identity.user.sign_in_failed': 'Sign-in failed',
  'identity.user.signed_out': 'Signed out',
  'identity.user.created': 'Account made',
  'identity.user.erased': 'Account erased',
  'oauth.code.created': 'Code issued',
  'oauth.code.redeemed': 'Code redeemed',
  'oauth.code.expired': 'Codes expired',
  'oauth.token.issued': 'Token issued',
  'oauth.token.checked': 'Tokens checked',
  'oauth.token.expired': 'Tokens expired',
  'oauth.client.authenticated': 'Client proved itself',
  'identity.address.denied': 'Denied address refused',
  'identity.alert.raised': 'Alert',
  'identity.email.changed': 'E-mail addresses changed',
  'identity.passkey.regressed': 'Passkey may be copied',
  'oauth.token.revoked': 'Token revoked',
  'oauth.client.registered': 'Client registered',
  'oauth.client.updated': 'Client changed',
  'oauth.client.deleted': 'Client deleted',
  'oauth.family.replayed': 'Refresh token replayed',
  'oauth.consent.given': 'Access allowed',
  'oauth.consent.withdrawn': 'Access withdrawn',
  'oauth.approval.requested': 'Approval asked for',
  'oauth.approval.decided': 'Approval decided',
  'oauth.key.rotated': 'Signing key rotated',
};
/** An event in words; what nobody named yet reads as its kind. */
export const eventWord = (kind: string): string => eventWords[kind] ?? kind;

export type EventTone = 'neutral' | 'success' | 'warning' | 'danger' | 'info';
export const eventTone = (kind: string): EventTone => {
  if (severityOf(kind) === 'error' || /failed|denied/.test(kind)) return 'danger';
  if (/revoked|withdrawn|deleted|erased/.test(kind)) return 'warning';
  if (/created|given|registered|issued|signed_in/.test(kind)) return 'success';
  if (/rotated|factor|user\.updated/.test(kind)) return 'info';
  return 'neutral';
};

/** First and last characters of a long id, for rows. */
export const shortId = (id: string): string => (id.length <= 16 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`);
