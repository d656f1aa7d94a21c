import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeIdentity } from '../../../test/support/make-identity.ts';
import { makeOauth } from '../../../test/support/make-oauth.ts';
import { makeOrg, type TestOrg } from '../../../test/support/make-org.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { GrantsService } from './grants-service.ts';
import { createOperatorsPart } from './operators-module.ts';
import { grantsStore } from './stores/grants-store.ts';

let test: TestDatabase;
let org: TestOrg<'ada' | 'ben', 'scribe' | 'clerk'>;
let grants: GrantsService;
let listed: (q?: string) => Promise<{ client: string; actor: { id: string; name: string; type: string } | null }[]>;
beforeAll(async () => {
  test = await createTestDatabase();
  org = await makeOrg(makeIdentity(test), {
    members: { ada: 'member', ben: 'member' },
    agents: { scribe: {}, clerk: { kind: 'device' } },
  });
  const { parts } = makeOauth(test);
  ({ grants } = parts);
  const { tokens } = createOperatorsPart(parts).services;
  listed = async (q) =>
    (await tokens.grants(org.owner.call, { limit: 50, state: 'active', q })).items.map(({ client, actor }) => ({
      client: client.id,
      actor,
    }));
});
afterAll(() => test.drop());

const allow = async (client_id: string, subject: string, actor: string | null, scopes: string[]): Promise<string> => {
  const id = newId();
  test.clock.advance(1000);
  const expires_at = new Date(test.clock.now().getTime() + 3_600_000);
  await grantsStore.upsert(
    test.database.read,
    {
      ...{ id, client_id, subject, org_id: org.id, scopes, resources: [], details: [], actor, payload: {} },
      expires_at,
    },
    test.clock.now(),
  );
  return id;
};

describe('applications that act through an agent', () => {
  it('name it to the person, and every agent once where there are several', async () => {
    const { ada, ben } = org.members;
    const { scribe, clerk } = org.agents;
    await allow('alone', ada.id, null, ['openid']);
    await allow('writer', ada.id, null, ['openid', 'inbox:write']);
    await allow('writer', ada.id, clerk.id, ['inbox:read']);
    await allow('writer', ada.id, scribe.id, ['inbox:read']);
    await allow('writer', ada.id, scribe.id, ['inbox:read']);
    await allow('writer', ben.id, null, ['openid']);
    const seen = (await grants.list(ada.call, { limit: 50 })).items;
    expect(seen.map(({ client, agents, authorizations }) => [client.client_id, authorizations, agents])).toEqual([
      [
        'writer',
        4,
        expect.arrayContaining([
          { type: 'agent', id: scribe.id, name: scribe.agent.name },
          { type: 'device', id: clerk.id, name: clerk.agent.name },
        ]),
      ],
      ['alone', 1, []],
    ]);
    expect(seen[0]!.agents).toHaveLength(2);
    // The newest grant alone would hide what the older ones still allow.
    expect(seen[0]!.scopes.toSorted()).toEqual(['inbox:read', 'inbox:write', 'openid']);
    expect((await grants.list(ben.call, { limit: 50 })).items).toMatchObject([{ agents: [], scopes: ['openid'] }]);
  });

  it('name the agent of each grant to operators', async () => {
    const { scribe, clerk } = org.agents;
    const own = (await listed()).filter(({ client }) => client === 'writer');
    expect(own).toHaveLength(5);
    expect(own.filter(({ actor }) => actor?.id === scribe.id)).toEqual([
      { client: 'writer', actor: { id: scribe.id, type: 'agent', name: scribe.agent.name } },
      { client: 'writer', actor: { id: scribe.id, type: 'agent', name: scribe.agent.name } },
    ]);
    expect(own.filter(({ actor }) => actor === null)).toHaveLength(2);
    expect(await listed(clerk.agent.name)).toMatchObject([{ client: 'writer', actor: { id: clerk.id } }]);
  });
});
