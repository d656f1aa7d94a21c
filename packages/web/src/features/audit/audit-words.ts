import type { auditList, OutputOf } from '@atrium/protocol';

export type AuditEntry = OutputOf<typeof auditList>['items'][number];

/** What was done, as the rest of a sentence that begins with who did it. `{}` takes the thing's name. */
const sentences: Record<string, string> = {
  'setup.complete': 'set up this server',
  'auth.login': 'signed in',
  'auth.login_failed': 'failed to sign in',
  'auth.logout': 'signed out',
  'auth.register': 'made an account',
  'auth.switch_org': 'changed to another organisation',
  'auth.accept_invitation': 'accepted an invitation',
  'me.update': 'changed their name',
  'me.change_password': 'changed their password',
  'me.change_password_failed': 'failed to change their password',
  'sessions.revoke': 'ended a session',
  'sessions.revoke_others': 'ended all other sessions',
  'api_keys.create': 'made the API key {}',
  'api_keys.revoke': 'revoked the API key {}',
  'orgs.create': 'made the organisation {}',
  'orgs.update': 'changed the organisation {}',
  'orgs.delete': 'deleted the organisation {}',
  'members.change_role': 'changed the role of {}',
  'members.deactivate': 'deactivated {}',
  'members.reactivate': 'let {} in again',
  'members.remove': 'removed {}',
  'roles.create': 'made the role {}',
  'roles.update': 'changed the role {}',
  'roles.delete': 'deleted the role {}',
  'teams.create': 'made the team {}',
  'teams.update': 'changed the team {}',
  'teams.delete': 'deleted the team {}',
  'teams.add_member': 'put somebody into the team {}',
  'teams.remove_member': 'took somebody out of the team {}',
  'invitations.create': 'invited {}',
  'invitations.revoke': 'revoked an invitation',
  'agents.create': 'connected the agent {}',
  'agents.update': 'changed the agent {}',
  'agents.delete': 'deleted the agent {}',
  'agents.rotate_key': 'gave an agent a new key',
  'agents.register': 'came in as {}',
  'agents.enrol': 'let {} attach a key',
  'agents.attach_key': 'attached a key to {}',
  'agents.rotate_secret': 'replaced the secret of {}',
  'agents.rotate_identity_key': 'replaced the key of {}',
  'agents.update_profile': 'changed the profile of {}',
  'vouchers.create': 'vouched for a newcomer',
  'vouchers.revoke': 'took a voucher back',
  'recovery.verify': 'proved the key of {}',
  'recovery.failed': 'failed to prove the key of {}',
  'recovery.reset_secret': 'recovered {} by its key',
  'signing_requests.create': 'prepared a signature',
  'signing_requests.sign': 'handed a signature in',
  'signing_requests.decide': 'decided about a signature',
  'signing_requests.expire': 'let a signing request expire',
  'operation.denied': 'was refused {}',
  'settings.update': 'changed settings',
  'audit.export': 'exported the audit trail',
  'audit.prune': 'pruned the audit trail',
  'inbox.create': 'made {}',
  'inbox.publish': 'published {}',
  'inbox.answer': 'answered {}',
  'inbox.correct': 'corrected the answer to {}',
  'inbox.approve': 'decided {}',
  'inbox.dismiss': 'dismissed {}',
  'inbox.withdraw': 'took back {}',
  'inbox.restore': 'restored {}',
  'inbox.expire': 'let {} expire',
  'inbox.escalate': 'escalated {}',
  'inbox.remind': 'reminded of {}',
  'inbox.ack': 'acknowledged {}',
  'inbox.snooze': 'snoozed {}',
  'inbox.unsnooze': 'woke {}',
  'inbox.wake': 'woke {}',
  'inbox.archive': 'archived {}',
  'inbox.unarchive': 'brought back {}',
  'inbox.pin': 'pinned {}',
  'inbox.unpin': 'unpinned {}',
  'inbox.claim': 'claimed {}',
  'inbox.release': 'released {}',
  'inbox.delegate': 'delegated {}',
  'inbox.assign': 'assigned {}',
  'inbox.watch': 'followed {}',
  'inbox.unwatch': 'stopped following {}',
  'inbox.relate': 'related {} to another',
  'inbox.unrelate': 'parted {} from another',
  'inbox.attach': 'attached a file to {}',
  'inbox.delete_attachment': 'deleted a file of {}',
  'inbox.delete_item': 'deleted {}',
  'inbox.update_item': 'changed {}',
  'inbox.comment': 'commented on {}',
  'inbox.press_action': 'pressed a button of {}',
  'always_rules.create': 'gave a standing approval with {}',
  'always_rules.revoke': 'revoked a standing approval',
  'channels.close': 'closed the channel {}',
  'channels.create': 'made the channel {}',
  'channels.update': 'changed the channel {}',
  'channels.delete': 'deleted the channel {}',
  'templates.create': 'made the template {}',
  'templates.update': 'changed the template {}',
  'templates.delete': 'deleted the template {}',
  'users.enable': 'let {} sign in again',
  'users.disable': 'shut {} out of the server',
  'users.set_operator': 'changed the operator right of {}',
  'user_sessions.revoke': 'ended a session of somebody',
  'clients.create': 'registered the client {}',
  'clients.update': 'changed the client {}',
  'clients.enable': 'enabled the client {}',
  'clients.disable': 'disabled the client {}',
  'clients.rotate_secret': 'gave a client a new secret',
  'clients.reveal_secret': 'looked at the secret of a new client',
  'clients.delete': 'deleted the client {}',
  'tokens.revoke': 'revoked a token',
  'tokens.revoke_by_user': 'ended all tokens of a person',
  'tokens.revoke_by_client': 'ended all tokens of a client',
  'grants.revoke': 'ended a grant',
  'oauth.grants.end': 'ended a grant',
  'oauth.approvals.request': 'asked for an approval',
  'oauth.approvals.decide': 'decided a request of an application',
  'oauth.approvals.withdraw': 'took back a request for approval',
  'oauth.family.replayed': 'had a replayed refresh token ended',
  'oauth.keys.rotate': 'rotated the signing key',
  'signing_keys.retire': 'retired a signing key',
  'device_codes.expire': 'ended a device code',
  'approval_requests.cancel': 'ended a request for approval',
  'resources.create': 'registered the resource {}',
  'resources.update': 'changed a resource',
  'resources.delete': 'deleted a resource',
  'trusted_issuers.create': 'trusted the issuer {}',
  'trusted_issuers.update': 'changed a trusted issuer',
  'trusted_issuers.delete': 'trusted an issuer no longer',
  'denylist.add': 'denied the range {}',
  'denylist.remove': 'took {} off the denylist',
  'registration_tokens.create': 'made a registration token',
  'registration_tokens.revoke': 'ended a registration token',
};

/** What a sentence is made of; the trail of the whole server has no more. */
type Told = Pick<AuditEntry, 'action' | 'details' | 'item_id'> & Partial<Pick<AuditEntry, 'item_title'>>;

const nameOf = ({ action, details, item_id, item_title }: Told): string => {
  if (item_title) return `“${item_title}”`;
  for (const key of ['name', 'title', 'email', 'operation', 'slug', 'range']) {
    const value = details[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  // An item without a title is told apart by the end of its id.
  if (item_id) return `item ${item_id.slice(-6)}`;
  return action === 'invitations.create' ? 'by link' : '';
};

/** The entry as the rest of a sentence; an action that this page does not know is told by its own words. */
export const auditSentence = (entry: Told): string => {
  const known = sentences[entry.action];
  const name = nameOf(entry);
  if (known) return known.replace('{}', name).trim();
  const [noun = '', verb = ''] = entry.action.split('.');
  return `${verb.replaceAll('_', ' ')} ${noun.replaceAll('_', ' ')} ${name}`.trim();
};

/** Refusals and failures are what a reader of an audit trail looks for first. */
export const isRefusal = ({ action }: AuditEntry): boolean =>
  action === 'operation.denied' || action.endsWith('_failed');

/** Areas of the trail, as prefixes that the server understands. */
export const auditAreas = [
  { value: 'auth.*', label: 'Sign-in' },
  { value: 'operation.denied', label: 'Refusals' },
  { value: 'inbox.*', label: 'Items' },
  { value: 'channels.*', label: 'Channels' },
  { value: 'templates.*', label: 'Templates' },
  { value: 'agents.*', label: 'Agents' },
  { value: 'members.*', label: 'Members' },
  { value: 'roles.*', label: 'Roles' },
  { value: 'teams.*', label: 'Teams' },
  { value: 'invitations.*', label: 'Invitations' },
  { value: 'api_keys.*', label: 'API keys' },
  { value: 'sessions.*', label: 'Sessions' },
  { value: 'settings.*', label: 'Settings' },
  { value: 'orgs.*', label: 'Organisation' },
] as const;
