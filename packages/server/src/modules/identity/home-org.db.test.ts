import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest, testSetupToken } from '../../../test/support/make-identity.ts';
import { makeOrg, publicCall, testPassword } from '../../../test/support/make-org.ts';

let t: IdentityTest;
beforeAll(async () => {
  t = await createIdentityTest();
});
afterAll(() => t.drop());

it('the home of a server is the shared organisation of its setup, or the one that is named by slug or id', async () => {
  expect(await t.identity.homeOrg(null)).toBeNull();
  const owner = { token: testSetupToken, email: 'ada@example.org', password: testPassword, name: 'Ada' };
  const { org } = await t.identity.services.setup.complete(publicCall(), { ...owner, org_name: 'Works' });
  const other = await makeOrg(t.identity, { name: 'Other' });
  expect(await t.identity.homeOrg(null)).toBe(org.id);
  expect([await t.identity.homeOrg('other'), await t.identity.homeOrg(other.id)]).toEqual([other.id, other.id]);
  expect(await t.identity.homeOrg('nowhere')).toBeNull();
});
