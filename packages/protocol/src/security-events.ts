/* Every fact that identity and OAuth announce, with how much it matters and what stands in its body. */

export type EventSeverity = 'info' | 'warning' | 'error';

interface SecurityEvent {
  severity: EventSeverity;
  meaning: string;
  /** Members of the body. */
  fields: readonly string[];
  /** Told together when it happens often; the body then says how often. */
  sampled?: true;
}

const info = (meaning: string, ...fields: string[]): SecurityEvent => ({ severity: 'info', meaning, fields });
const warning = (meaning: string, ...fields: string[]): SecurityEvent => ({ severity: 'warning', meaning, fields });
const error = (meaning: string, ...fields: string[]): SecurityEvent => ({ severity: 'error', meaning, fields });
const often = (event: SecurityEvent): SecurityEvent => ({
  ...event,
  fields: [...event.fields, 'count'],
  sampled: true,
});

export const securityEvents: Readonly<Record<string, SecurityEvent>> = {
  'oauth.code.created': info('An authorization code was issued.', 'client_id', 'subject'),
  'oauth.code.redeemed': info('A code became tokens.', 'client_id', 'subject'),
  'oauth.code.expired': often(info('Codes of a client expired, and nobody had redeemed them.', 'client_id')),
  'oauth.token.issued': info('An access token was issued.', 'client_id', 'subject', 'scopes', 'resource'),
  'oauth.token.checked': often(info('A client asked whether tokens are good.', 'client_id', 'active')),
  'oauth.token.revoked': warning('A token, or all of an authorization, was ended.', 'client_id', 'subject', 'what'),
  'oauth.token.expired': often(info('Access tokens of a client lived to their end.', 'client_id')),
  'oauth.client.registered': info('A client was registered.', 'client_id', 'name', 'redirect_uris'),
  'oauth.client.authenticated': often(info('A client proved itself.', 'client_id', 'method')),
  'oauth.client.updated': info('A client was changed.', 'client_id', 'enabled'),
  'oauth.client.deleted': warning('A client was deleted, with everything it was given.', 'client_id', 'name'),
  'oauth.family.replayed': error(
    'A code or refresh token was used twice; all that came of it was ended.',
    'client_id',
    'subject',
    'what',
  ),
  'oauth.consent.given': info('A person allowed a client something.', 'client_id', 'subject', 'scopes', 'resources'),
  'oauth.consent.withdrawn': info('A person took that back.', 'client_id', 'subject', 'what'),
  'oauth.approval.requested': info('A client waits for a person to approve one act.', 'client_id', 'subject'),
  'oauth.approval.decided': info('A person approved or denied it, or nobody did in time.', 'client_id', 'subject'),
  'oauth.key.rotated': info('Another key signs tokens.', 'kid', 'alg'),
  'oauth.admin.changed': info('A list of the operators changed; told to operators alone.', 'thing'),
  'identity.user.created': info('An account was made.', 'user_id', 'created_by'),
  'identity.user.signed_in': info('A person signed in.', 'user_id', 'methods'),
  'identity.user.sign_in_failed': warning(
    'An attempt to sign in failed. `user_id` is null where no account was meant that exists.',
    'user_id',
    'method',
    'error',
  ),
  'identity.user.signed_out': info('A person signed out.', 'user_id', 'session_id'),
  'identity.user.updated': info('An operator changed an account; told to operators alone.', 'user_id', 'change'),
  'identity.user.erased': warning('A person erased their account.', 'user_id'),
  'identity.device.paired': warning('A device joined as one of a person.', 'user_id', 'name', 'platform'),
  'identity.device.updated': info('A device was renamed, or may do less.', 'user_id', 'name'),
  'identity.device.revoked': warning('A device was shut out.', 'user_id', 'name', 'why'),
  'identity.device.online': info('A device opened a connection.', 'user_id', 'name'),
  'identity.device.offline': info('A device has had no connection for a while.', 'user_id', 'name'),
  'identity.device.repair_required': error(
    'A refresh token of a device was used twice: its tokens ended, and it must be paired again.',
    'user_id',
    'name',
  ),
  'identity.pairing.updated': info('A pairing was begun, redeemed, completed or ended.', 'user_id', 'state'),
  'identity.session.created': info('A session began.', 'user_id'),
  'identity.session.revoked': info('A session ended before its time.', 'user_id'),
  'identity.key.created': info('An API key was made.', 'user_id'),
  'identity.key.revoked': warning('An API key was revoked.', 'user_id'),
  'identity.factor.changed': warning('A way to sign in was added, changed or taken off.', 'user_id', 'change'),
  'identity.email.changed': warning('E-mail addresses of an account changed.', 'user_id', 'change'),
  'identity.passkey.regressed': error(
    'The counter of a passkey went backwards: there may be a copy of it.',
    'user_id',
    'name',
    'refused',
  ),
  'identity.preferences.updated': info('A person changed their preferences.', 'user_id'),
  'identity.org.updated': info('An organisation was made or changed.', 'change', 'name'),
  'identity.org.deleted': warning('An organisation was deleted.'),
  'identity.member.updated': info('Somebody joined, left or changed in an organisation.', 'user_id', 'change'),
  'identity.role.updated': info('A role changed.', 'change'),
  'identity.team.updated': info('A team changed.', 'change'),
  'identity.invitation.updated': info('An invitation was made, used or taken back.', 'change'),
  'identity.agent.created': info('An agent was connected.', 'name'),
  'identity.agent.updated': info('An agent changed, or came and went.', 'change', 'name'),
  'identity.agent.deleted': warning('An agent was deleted.', 'name'),
  'identity.agent.registered': info('An agent came in by a voucher.', 'name', 'fingerprint', 'voucher_id'),
  'identity.agent.key_changed': warning(
    'A key was attached to an agent, or replaced.',
    'name',
    'fingerprint',
    'change',
  ),
  'identity.agent.secret_rotated': info('An agent replaced its client secret.', 'name'),
  'identity.agent.recovered': warning('An agent got a new secret by its key alone.', 'name', 'fingerprint'),
  'identity.agent.recovery_failed': warning('A recovery was tried with a wrong signature.', 'name', 'fingerprint'),
  'identity.voucher.issued': info('Somebody vouched for a newcomer.', 'issuer_id'),
  'identity.voucher.redeemed': info('A newcomer came in.', 'issuer_id', 'agent_id', 'fingerprint'),
  'identity.voucher.revoked': info('A voucher was taken back.', 'issuer_id'),
  'identity.signing.requested': info(
    'A message waits for the signature of an agent or a person.',
    'agent_id',
    'user_id',
    'asker_id',
    'expires_at',
  ),
  'identity.signing.completed': info('A signature was handed in.', 'agent_id', 'user_id', 'asker_id', 'valid'),
  'identity.signing.decided': info(
    'The person behind an agent approved or declined a signature, or one who was to sign declined.',
    'agent_id',
    'user_id',
    'asker_id',
    'decision',
  ),
  'identity.signing.expired': info('No signature came in time.', 'agent_id', 'user_id', 'asker_id'),
  'identity.signing.cancelled': info('Whoever asked a person for a signature took it back.', 'user_id', 'asker_id'),
  'identity.address.denied': often(
    warning('A request came from a range that operators have denied; told to operators alone.', 'address'),
  ),
  'identity.alert.raised': error(
    'Something wants an operator: `client_guessed` (wrong secrets of one client from many addresses) or `clock_moved_back`; told to operators alone.',
    'alert',
    'client_id',
    'seconds',
  ),
};

/** How much an event matters; what nobody rated is only worth knowing. */
export const severityOf = (kind: string): EventSeverity => securityEvents[kind]?.severity ?? 'info';
