import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lettersIn, tokenOf } from '../support/letters.ts';
import { ok, openWorld, type Person, password, type World } from '../support/people.ts';
import { createRestClient } from '../support/rest-client.ts';
import { until } from '../support/until.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const remove = (person: Person, confirm = person.email) =>
  person.delete(`/api/v1/me?confirm=${encodeURIComponent(confirm)}`);
const aged = (person: Person) =>
  world.database.query(`update identity_sessions set auth_time = now() - interval '1 hour' where user_id = $1`, [
    person.id,
  ]);

it('without SMTP a letter is left in the data directory, and the log says where and not what', async () => {
  const person = await world.makePerson('Unmailed');
  const directory = join(world.server.dataDir, 'mail');
  const letter = await until(
    () => lettersIn(directory).find(({ to }) => to.includes(person.email)),
    'a letter in the data directory',
  );
  const told = await until(
    () =>
      world.server
        .output()
        .split('\n')
        .find((line) => line.includes(directory) && line.includes('.eml')),
    'a line about it',
  );
  expect(told).toContain('SMTP_HOST is not set');
  expect(world.server.output()).not.toContain(tokenOf(letter.link));
  expect(ok(await world.anonymous.get('/auth/methods'))).toMatchObject({ mail: 'files', providers: [] });
  expect(ok(await world.anonymous.post('/auth/verify', { token: tokenOf(letter.link) }))).toMatchObject({
    purpose: 'verify',
  });
});

describe('an operator', () => {
  it('situation 73: who is the last one keeps the flag, and may hand it on first', async () => {
    const { operator } = world;
    const users = '/api/v1/admin/identity/users';
    const last = { status: 409, body: { code: 'identity_last_operator' } };
    expect(await operator.post(`${users}/${operator.id}/role`, { is_operator: false })).toMatchObject(last);
    expect(await operator.post(`${users}/${operator.id}/disable`)).toMatchObject(last);
    expect(await remove(operator)).toMatchObject(last);
    const heir = await world.makePerson('Heir');
    expect((await heir.get(users)).status).toBe(403);
    expect(ok(await operator.post(`${users}/${heir.id}/role`, { is_operator: true }))).toMatchObject({
      is_operator: true,
    });
    expect(ok(await heir.get(`${users}?q=heir`)).items).toMatchObject([{ id: heir.id, is_operator: true }]);
    // Nobody takes the flag from themselves; of two who take each other's at once one stays.
    expect((await heir.post(`${users}/${heir.id}/role`, { is_operator: false })).status).toBe(403);
    const answers = await Promise.all([
      operator.post(`${users}/${heir.id}/role`, { is_operator: false }),
      heir.post(`${users}/${operator.id}/role`, { is_operator: false }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    const stays = answers[0]!.status === 200 ? operator : heir;
    const goes = stays === operator ? heir : operator;
    expect((await goes.get(users)).status).toBe(403);
    if (stays === operator) return;
    ok(await heir.post(`${users}/${operator.id}/role`, { is_operator: true }));
    ok(await operator.post(`${users}/${heir.id}/role`, { is_operator: false }));
  });

  it('shuts an account out at once and lets it in again', async () => {
    const person = await world.makePerson('Shut');
    const users = `/api/v1/admin/identity/users/${person.id}`;
    expect(ok(await world.operator.post(`${users}/disable`))).toMatchObject({ state: 'disabled' });
    expect((await person.get('/api/v1/me')).status).toBe(401);
    expect((await world.anonymous.post('/auth/login', { email: person.email, password })).status).toBe(401);
    ok(await world.operator.post(`${users}/enable`));
    expect((await world.anonymous.post('/auth/login', { email: person.email, password })).status).toBe(200);
  });

  it('needs a fresh proof, and a session; a key of theirs does not do', async () => {
    const users = `/api/v1/admin/identity/users`;
    const { api_key } = ok(await world.operator.post('/api/v1/me/api-keys', { name: 'k', scopes: ['org:admin'] }));
    expect((await createRestClient(() => world.url, api_key).get(users)).status).toBe(403);
    const person = await world.makePerson('Subject');
    await aged(world.operator);
    expect((await world.operator.post(`${users}/${person.id}/disable`)).body).toMatchObject({
      code: 'identity_step_up_required',
      methods: ['password'],
    });
    const signed = ok(await world.operator.post('/auth/step-up', { password }));
    const fresh = createRestClient(() => world.url, signed.access_token);
    ok(await fresh.post(`${users}/${person.id}/disable`));
    Object.assign(world.operator, fresh);
  });
});

describe('situation 75: an account', () => {
  it('is exported whole, without what proves who one is', async () => {
    const org = await world.makeOrg('Exporting');
    const person = await org.member('Exports');
    const channel = await org.channel('talk');
    const asked = ok(
      await person.post('/api/v1/inbox/ask', {
        title: 'Mine?',
        channel: 'talk',
        form: { fields: [{ type: 'yesno', id: 'go' }] },
      }),
    );
    ok(await person.post(`/api/v1/inbox/items/${asked.id}/comments`, { body: 'A remark of mine' }));
    const answer = await person.get('/api/v1/me/export');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="atrium-account-/);
    expect(answer.body).toMatchObject({
      account: { id: person.id, name: 'Exports' },
      emails: [{ address: person.email }],
      inbox: { items_asked: [{ title: 'Mine?' }], comments: [{ body: 'A remark of mine' }] },
    });
    expect(answer.body.organisations.map(({ name }: { name: string }) => name).sort()).toEqual([
      'Exporting',
      'Exports',
    ]);
    expect(JSON.stringify(answer.body)).not.toMatch(/argon2|"hash"|public_key/);
    expect(channel).toBeTruthy();
    await aged(person);
    expect((await person.get('/api/v1/me/export')).body.code).toBe('identity_step_up_required');
  });

  it('is deleted: its data is gone, its tokens are dead, others keep what it did under no name', async () => {
    const org = await world.makeOrg('Remembering');
    const person = await org.member('Vanishing Vera');
    const { api_key } = ok(await person.post('/api/v1/me/api-keys', { name: 'script' }));
    await org.channel('talk');
    const asked = ok(
      await person.post('/api/v1/inbox/ask', {
        title: 'Shared question',
        channel: 'talk',
        form: { fields: [{ type: 'yesno', id: 'go' }] },
      }),
    );
    ok(await person.post(`/api/v1/inbox/items/${asked.id}/comments`, { body: 'stays' }));
    expect((await remove(person, 'somebody@example.org')).status).toBe(422);
    expect((await remove(person)).status).toBe(204);
    expect((await person.get('/api/v1/me')).status).toBe(401);
    expect((await createRestClient(() => world.url, api_key).get('/api/v1/me')).status).toBe(401);
    expect((await world.anonymous.post('/auth/login', { email: person.email, password })).status).toBe(401);
    const item = ok(await org.owner.get(`/api/v1/inbox/items/${asked.id}`));
    expect(JSON.stringify(item)).toContain('Deleted person');
    expect(JSON.stringify(item)).not.toContain('Vera');
    const tables = [
      'identity_users',
      'identity_emails',
      'identity_sessions',
      'identity_api_keys',
      'identity_orgs',
      'inbox_items',
      'inbox_comments',
      'core_audit',
      'core_events',
    ];
    for (const table of tables) {
      const { rows } = await world.database.query(`select to_jsonb(t)::text as text from ${table} t`);
      expect(
        rows.filter(({ text }) => /vera|vanishing/i.test(text)),
        table,
      ).toEqual([]);
    }
    const { items } = ok(await org.owner.get('/api/v1/audit?action=me.delete'));
    expect(items).toMatchObject([{ actor: { id: person.id, name: 'Deleted person' }, target_id: person.id }]);
    expect(ok(await org.owner.get('/api/v1/audit/verify')).intact).toBe(true);
    const own = ok(await org.owner.get(`/api/v1/audit?actor=${person.id}`)).items;
    expect(own.length).toBeGreaterThan(2);
    for (const line of own)
      expect(line).toMatchObject({ actor: { name: 'Deleted person' }, ip: null, user_agent: null });
    // The address is free again.
    expect(
      (await world.anonymous.post('/auth/register', { email: person.email, password, name: 'Another' })).status,
    ).toBe(201);
  });

  it('of the sole Owner of a shared organisation stays until there is another', async () => {
    const org = await world.makeOrg('Owned');
    const refused = await remove(org.owner);
    expect(refused).toMatchObject({ status: 409, body: { code: 'last_owner', orgs: [{ id: org.id, name: 'Owned' }] } });
    const heir = await org.member('Takes over');
    ok(await org.owner.post(`/api/v1/orgs/current/members/${heir.id}/role`, { role: 'owner' }));
    expect((await remove(org.owner)).status).toBe(204);
    expect((await heir.get('/api/v1/me')).status).toBe(200);
  });
});
