import { hasPermission, hasScope, type Permission, type Scope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';

/** Facts that identity announces. The subject is the thing named in the middle. */
export const identityEvents = {
  orgUpdated: 'identity.org.updated',
  orgDeleted: 'identity.org.deleted',
  memberUpdated: 'identity.member.updated',
  roleUpdated: 'identity.role.updated',
  teamUpdated: 'identity.team.updated',
  invitationUpdated: 'identity.invitation.updated',
  agentCreated: 'identity.agent.created',
  agentUpdated: 'identity.agent.updated',
  agentDeleted: 'identity.agent.deleted',
  agentRegistered: 'identity.agent.registered',
  agentKeyChanged: 'identity.agent.key_changed',
  agentSecretRotated: 'identity.agent.secret_rotated',
  agentRecovered: 'identity.agent.recovered',
  agentRecoveryFailed: 'identity.agent.recovery_failed',
  voucherIssued: 'identity.voucher.issued',
  voucherRedeemed: 'identity.voucher.redeemed',
  voucherRevoked: 'identity.voucher.revoked',
  signingRequested: 'identity.signing.requested',
  signingCompleted: 'identity.signing.completed',
  signingExpired: 'identity.signing.expired',
  signingDecided: 'identity.signing.decided',
  signingCancelled: 'identity.signing.cancelled',
  devicePaired: 'identity.device.paired',
  deviceUpdated: 'identity.device.updated',
  deviceRevoked: 'identity.device.revoked',
  deviceOnline: 'identity.device.online',
  deviceOffline: 'identity.device.offline',
  /** One of its refresh tokens was used twice: its tokens have ended. */
  deviceRepairRequired: 'identity.device.repair_required',
  pairingUpdated: 'identity.pairing.updated',
  sessionCreated: 'identity.session.created',
  sessionRevoked: 'identity.session.revoked',
  keyCreated: 'identity.key.created',
  keyRevoked: 'identity.key.revoked',
  preferencesUpdated: 'identity.preferences.updated',
  factorChanged: 'identity.factor.changed',
  emailsChanged: 'identity.email.changed',
  /** The counter of a passkey went backwards: there may be a copy of it. */
  passkeyRegressed: 'identity.passkey.regressed',
  userErased: 'identity.user.erased',
  userCreated: 'identity.user.created',
  signedIn: 'identity.user.signed_in',
  signInFailed: 'identity.user.sign_in_failed',
  signedOut: 'identity.user.signed_out',
  /** A request came from a range that operators have denied; told by samples. */
  addressDenied: 'identity.address.denied',
  /** Something that operators should look at. */
  alertRaised: 'identity.alert.raised',
  /** Of the whole server, told to operators. */
  userUpdated: 'identity.user.updated',
} as const;

export type IdentityEventKind = (typeof identityEvents)[keyof typeof identityEvents];

/** Who may learn of an event: those who may read the list it changes, and the one it is about. */
const mayLearn = (event: StoredEvent, caller: Caller): boolean => {
  if (caller.org_id !== event.org_id) return false;
  const may = (scope: Scope, permission: Permission): boolean =>
    hasScope(caller.scopes, scope) && hasPermission(caller.permissions, permission);
  switch (event.kind as IdentityEventKind) {
    case identityEvents.orgUpdated:
    case identityEvents.orgDeleted:
    case identityEvents.userErased:
      return true;
    case identityEvents.memberUpdated:
      return may('org:read', 'users.invite') || caller.id === event.id;
    case identityEvents.roleUpdated:
      return may('org:read', 'users.invite') || caller.role_id === event.id;
    case identityEvents.invitationUpdated:
      return may('org:read', 'users.invite');
    case identityEvents.teamUpdated:
      return may('org:read', 'items.read');
    case identityEvents.agentCreated:
    case identityEvents.agentUpdated:
    case identityEvents.agentDeleted:
    case identityEvents.agentRegistered:
    case identityEvents.agentKeyChanged:
    case identityEvents.agentSecretRotated:
    case identityEvents.agentRecovered:
      return may('org:read', 'items.read') || caller.id === event.id;
    case identityEvents.agentRecoveryFailed:
      return may('org:read', 'agents.manage') || caller.id === event.id;
    case identityEvents.voucherIssued:
    case identityEvents.voucherRedeemed:
    case identityEvents.voucherRevoked:
      if (caller.id === event.body['issuer_id'] && hasScope(caller.scopes, 'agent:profile')) return true;
      return may('org:read', 'agents.manage');
    case identityEvents.signingRequested:
    case identityEvents.signingCompleted:
    case identityEvents.signingExpired:
    case identityEvents.signingDecided:
    case identityEvents.signingCancelled: {
      const { agent_id, user_id, asker_id } = event.body;
      if ([agent_id, user_id, asker_id].includes(caller.id) && hasScope(caller.scopes, 'crypto:sign')) return true;
      return may('org:admin', 'audit.read');
    }
    case identityEvents.devicePaired:
    case identityEvents.deviceUpdated:
    case identityEvents.deviceRevoked:
    case identityEvents.deviceOnline:
    case identityEvents.deviceOffline:
    case identityEvents.deviceRepairRequired:
      if (caller.kind === 'device' && caller.id === event.id) return hasScope(caller.scopes, 'device:self');
      if (caller.kind === 'user' && caller.id === event.body['user_id']) return hasScope(caller.scopes, 'account:read');
      return may('account:read', 'devices.manage');
    case identityEvents.pairingUpdated:
    case identityEvents.sessionCreated:
    case identityEvents.sessionRevoked:
    case identityEvents.keyCreated:
    case identityEvents.keyRevoked:
    case identityEvents.preferencesUpdated:
    case identityEvents.factorChanged:
    case identityEvents.emailsChanged:
    case identityEvents.passkeyRegressed:
      return caller.kind === 'user' && caller.id === event.body['user_id'] && hasScope(caller.scopes, 'account:read');
    case identityEvents.userCreated:
    case identityEvents.signedIn:
    case identityEvents.signInFailed:
    case identityEvents.signedOut:
      if (caller.id === event.body['user_id'] && hasScope(caller.scopes, 'account:read')) return true;
      return may('org:admin', 'audit.read');
    case identityEvents.userUpdated:
    case identityEvents.addressDenied:
    case identityEvents.alertRaised:
      return caller.is_operator && hasScope(caller.scopes, 'admin:read');
    default:
      return false;
  }
};

export const identityEventFilter = eventFilter('identity.', mayLearn);
