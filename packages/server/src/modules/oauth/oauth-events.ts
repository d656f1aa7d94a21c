import { hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';

/** The organisation of facts about the whole server, which no person's events hold. */
export const nilId = '00000000-0000-0000-0000-000000000000';

/** Facts that the authorization server announces. */
export const oauthEvents = {
  codeCreated: 'oauth.code.created',
  codeRedeemed: 'oauth.code.redeemed',
  /** Nobody redeemed it; told when it is swept, together for each client. */
  codeExpired: 'oauth.code.expired',
  tokenIssued: 'oauth.token.issued',
  /** Somebody asked about a token; told by samples. */
  tokenChecked: 'oauth.token.checked',
  tokenRevoked: 'oauth.token.revoked',
  /** Told when it is swept, together for each client and organisation. */
  tokenExpired: 'oauth.token.expired',
  clientRegistered: 'oauth.client.registered',
  /** A client proved itself; told by samples. */
  clientAuthenticated: 'oauth.client.authenticated',
  clientUpdated: 'oauth.client.updated',
  clientDeleted: 'oauth.client.deleted',
  familyReplayed: 'oauth.family.replayed',
  consentGiven: 'oauth.consent.given',
  consentWithdrawn: 'oauth.consent.withdrawn',
  approvalRequested: 'oauth.approval.requested',
  approvalDecided: 'oauth.approval.decided',
  keyRotated: 'oauth.key.rotated',
} as const;

/** The person or agent it is about, and whoever reads the audit trail of the organisation. */
const mayLearn = (event: StoredEvent, caller: Caller): boolean => {
  if (caller.org_id !== event.org_id) return false;
  if (caller.id === event.body['subject'] && hasScope(caller.scopes, 'account:read')) return true;
  return hasScope(caller.scopes, 'org:admin') && hasPermission(caller.permissions, 'audit.read');
};

export const oauthEventFilter = eventFilter('oauth.', mayLearn);
