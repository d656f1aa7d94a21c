import { securityEvents, severityOf } from '@atrium/protocol';
import { expect, it } from 'vitest';
import { identityEvents } from '../src/modules/identity/identity-events.ts';
import { oauthEvents } from '../src/modules/oauth/oauth-events.ts';

/** The thirteen kinds of the specification, and those it adds. */
const specified = [
  'oauth.code.created',
  'oauth.code.redeemed',
  'oauth.code.expired',
  'oauth.token.issued',
  'oauth.token.checked',
  'oauth.token.revoked',
  'oauth.token.expired',
  'oauth.client.registered',
  'oauth.client.authenticated',
  'oauth.client.deleted',
  'identity.user.signed_in',
  'identity.user.sign_in_failed',
  'identity.user.signed_out',
  'oauth.family.replayed',
  'oauth.consent.given',
  'oauth.consent.withdrawn',
  'oauth.key.rotated',
  'identity.factor.changed',
  'identity.user.created',
  'identity.user.erased',
  'identity.address.denied',
];

const announced = [...Object.values(identityEvents), ...Object.values(oauthEvents)];

it('every kind that identity and OAuth announce stands in the catalogue', () => {
  expect(announced.filter((kind) => securityEvents[kind] === undefined)).toEqual([]);
});

it('every kind of the specification is announced', () => {
  expect(specified.filter((kind) => !(announced as string[]).includes(kind))).toEqual([]);
});

it('what nobody rated is only worth knowing', () => {
  expect(severityOf('oauth.family.replayed')).toBe('error');
  expect(severityOf('inbox.item.created')).toBe('info');
});
