import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import { type RevocationKind, revocationsStore } from '../stores/revocations-store.ts';
import { RevocationSet, type TokenFacts } from './revocation-set.ts';

const hourMs = 3_600_000;
let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

/** A token as its holder shows it: `iat` has no milliseconds, its row has. */
const issue = async (): Promise<TokenFacts> => {
  const [jti, created_at] = [newId(), test.clock.now()];
  await accessTokensStore.insert(test.database.read, {
    ...{ id: newId(), hash: hashToken(jti), format: 'jwt', kind: 'AccessToken', grant_id: null, client_id: 'books' },
    ...{ subject: 'mara', org_id: null, actor: null, resource: null, scopes: [], payload: null },
    ...{ created_at, expires_at: new Date(created_at.getTime() + hourMs) },
  });
  const issued_at = new Date(Math.floor(created_at.getTime() / 1000) * 1000);
  return { jti, grant_id: null, client_id: 'books', subject: 'mara', issued_at };
};

const endAll = async (set: RevocationSet, kind: RevocationKind, value: string): Promise<void> => {
  const before = test.clock.now();
  const row = { kind, value, before, expires_at: new Date(before.getTime() + hourMs) };
  await revocationsStore.insert(test.database.read, row, before);
  set.add(row);
};

for (const [kind, value] of [
  ['client', 'books'],
  ['subject', 'mara'],
] as const)
  it(`a ${kind} that comes back within the second in which all was ended gets tokens that work, and the old stay dead`, async () => {
    const sets = [true, false].map((listening) => new RevocationSet(test.database.read, test.clock, () => listening));
    const told = sets[0]!;
    test.clock.advance(2000 - (test.clock.now().getTime() % 1000));
    const before = await issue();
    test.clock.advance(10);
    await endAll(told, kind, value);
    const together = await issue();
    test.clock.advance(10);
    const after = await issue();
    test.clock.advance(1000);
    const later = await issue();
    for (const set of sets)
      expect(await Promise.all([before, together, after, later].map((token) => set.revoked(token)))).toEqual([
        ...[true, true, false, false],
      ]);
  });

it('what one authorization gave stays ended, whenever it was issued; so does a single token', async () => {
  const set = new RevocationSet(test.database.read, test.clock, () => true);
  test.clock.advance(2000 - (test.clock.now().getTime() % 1000));
  const grant_id = newId();
  await endAll(set, 'grant', grant_id);
  test.clock.advance(10);
  const token = await issue();
  expect(await set.revoked({ ...token, grant_id })).toBe(true);
  expect(await set.revoked(token)).toBe(false);
  await endAll(set, 'jti', hashToken(token.jti));
  expect(await set.revoked(token)).toBe(true);
});

it('a token without a row that cannot be told apart is taken for ended', async () => {
  const set = new RevocationSet(test.database.read, test.clock, () => true);
  test.clock.advance(2000 - (test.clock.now().getTime() % 1000));
  const token = await issue();
  await endAll(set, 'client', 'books');
  expect(await set.revoked({ ...token, jti: newId() })).toBe(true);
});
