import { expect, it } from 'vitest';
import { newId } from '../../../platform/ids/ids.ts';
import { readAssertion, signAssertion, UsedOnce } from './assertion.ts';
import { type AnswererParts, answer, type CallerParts, type Exchange, greet } from './handshake.ts';
import { type InstanceKey, instanceKeyOf, newKeyPair } from './instance-key.ts';
import { readInvitation, writeInvitation } from './wire.ts';

const makeKey = (): InstanceKey => {
  const { public_key, seed } = newKeyPair();
  return instanceKeyOf(newId(), public_key, seed);
};

/** Two ends that hear what the other says, unless somebody in between says something else. */
const pair = (between: (text: string, toAnswerer: boolean) => string = (text) => text): [Exchange, Exchange] => {
  const end = () => ({ texts: [] as string[], waiting: [] as ((text: string) => void)[] });
  const [a, b] = [end(), end()];
  const give = (to: typeof a, text: string): void => {
    const next = to.waiting.shift();
    if (next === undefined) to.texts.push(text);
    else next(text);
  };
  const exchange = (own: typeof a, other: typeof a, toAnswerer: boolean): Exchange => ({
    send: (text) => give(other, between(text, toAnswerer)),
    next: () => {
      const text = own.texts.shift();
      return text === undefined ? new Promise((done) => own.waiting.push(done)) : Promise.resolve(text);
    },
  });
  return [exchange(a, b, true), exchange(b, a, false)];
};

const pin = `sha256/${'A'.repeat(43)}=`;
const [caller, called] = [makeKey(), makeKey()];
const secret = 'a secret of all servers of this house';

const callerParts = (more: Partial<CallerParts> = {}): CallerParts => ({
  ...{ key: caller, purpose: 'control', own: { name: 'Caller', address: null, pins: [] } },
  ...{ expected: { id: called.id, public_key: called.public_key }, join: null, pin, certificate_known: true },
  ...more,
});
const answererParts = (more: Partial<AnswererParts> = {}): AnswererParts => ({
  ...{ key: called, own: { name: 'Called', address: 'https://called.example', pins: [pin] }, cluster_secret: secret },
  keyOf: async (id) => (id === caller.id ? caller.public_key : null),
  admit: async (token) => token === 'a token of twenty letters',
  adopt: async () => {},
  ...more,
});

const meet = async (a: Partial<CallerParts>, b: Partial<AnswererParts> = {}, between?: Parameters<typeof pair>[0]) => {
  const [left, right] = pair(between);
  const [greeted, answered] = await Promise.allSettled([greet(left, callerParts(a)), answer(right, answererParts(b))]);
  const reasonOf = (one: PromiseSettledResult<unknown>): string =>
    one.status === 'fulfilled' ? 'ok' : (one.reason.told ?? one.reason.reason);
  return { reasons: [reasonOf(greeted), reasonOf(answered)], greeted, answered };
};

it('two servers that know each other learn names and addresses', async () => {
  const { greeted, answered } = await meet({});
  expect(greeted).toMatchObject({ value: { id: called.id, name: 'Called', address: 'https://called.example' } });
  expect(answered).toMatchObject({ value: { id: caller.id, name: 'Caller', purpose: 'control', joined_by: null } });
});

it('a newcomer is admitted by an invitation or the cluster secret, and by nothing else', async () => {
  const key = makeKey();
  const outcomes = async (join: CallerParts['join']) => (await meet({ key, join })).reasons;
  expect(await outcomes({ kind: 'invitation', token: 'a token of twenty letters' })).toEqual(['ok', 'ok']);
  expect(await outcomes({ kind: 'cluster', secret })).toEqual(['ok', 'ok']);
  expect(await outcomes(null)).toEqual(['unknown_peer', 'unknown_peer']);
  expect(await outcomes({ kind: 'invitation', token: 'another twenty letters' })).toEqual([
    'bad_invitation',
    'bad_invitation',
  ]);
  expect(await outcomes({ kind: 'cluster', secret: 'another secret' })).toEqual(['bad_secret', 'bad_secret']);
});

it('G40: a known id with another key is refused, on both sides', async () => {
  const impostor = { ...makeKey(), id: caller.id };
  const cluster = { kind: 'cluster', secret } as const;
  expect((await meet({ key: impostor, join: cluster })).reasons).toEqual(['key_changed', 'key_changed']);
  const [left, right] = pair();
  const other = { ...makeKey(), id: called.id };
  answer(right, answererParts({ key: other })).catch(() => {});
  await expect(greet(left, callerParts())).rejects.toThrow('key_changed');
});

it('somebody in the middle who shows a certificate of their own is noticed by what was signed', async () => {
  const [hidden, shown] = [pin, `sha256/${'B'.repeat(43)}=`];
  // The caller saw another certificate than the one that is told on.
  const lies = (text: string): string => text.replace(shown, hidden);
  const [left, right] = pair((text, toAnswerer) => (toAnswerer ? lies(text) : text));
  answer(right, answererParts()).catch(() => {});
  await expect(greet(left, callerParts({ pin: shown }))).rejects.toThrow('bad_signature');
  expect((await meet({ pin: shown })).reasons).toEqual(['pin_mismatch', 'pin_mismatch']);
});

it('a certificate that nobody vouches for is refused when the server does not know it as its own either', async () => {
  const behindProxy = { own: { name: 'Called', address: null, pins: [] } };
  const [left, right] = pair();
  answer(right, answererParts(behindProxy)).catch(() => {});
  await expect(greet(left, callerParts({ certificate_known: false }))).rejects.toThrow('untrusted_certificate');
});

it('an invitation survives being written down, and nothing else is read as one', () => {
  const invitation = {
    ...{ v: 1 as const, url: 'https://called.example', id: called.id, key: called.public_key, pins: [pin] },
    token: 'x'.repeat(43),
  };
  expect(readInvitation(writeInvitation(invitation))).toEqual(invitation);
  expect(readInvitation('atrium-peer:e30')).toBeNull();
  expect(readInvitation(writeInvitation({ ...invitation, url: 'https://user@called.example/x' }))).toBeNull();
});

it('an assertion is good once, for one server, of the peer at the other end, for a minute', () => {
  const now = new Date('2026-11-28T10:00:00Z');
  const who = { subject: newId(), name: 'Ada', email: 'Ada@example.org', groups: ['gardeners'] };
  const text = signAssertion(caller, called.id, who, now);
  const rules = {
    peer: { id: caller.id, public_key: caller.public_key },
    own_id: called.id,
    used: new UsedOnce(),
    now,
  };
  expect(readAssertion(text, rules)).toEqual({ ...who, email: 'ada@example.org' });
  expect(readAssertion(text, rules)).toBeNull();
  const fresh = { ...rules, used: new UsedOnce() };
  expect(readAssertion(text, { ...fresh, own_id: newId() })).toBeNull();
  expect(readAssertion(text, { ...fresh, peer: { id: called.id, public_key: called.public_key } })).toBeNull();
  expect(readAssertion(text, { ...fresh, now: new Date(now.getTime() + 91_000) })).toBeNull();
  const [head, , signature] = text.split('.');
  const forged = Buffer.from(JSON.stringify({ iss: caller.id, aud: called.id, sub: 'root' })).toString('base64url');
  expect(readAssertion(`${head}.${forged}.${signature}`, fresh)).toBeNull();
});
