import { type InputOf, templatesCreate, viewsCreate } from '@atrium/protocol';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { noticing, refusal } from '../../../test/support/test-inbox.ts';
import type { Caller } from '../../platform/operations/caller.ts';

let db: TestSurroundings;
let org: TestOrg;
let ada: Caller;
let bob: Caller;
let stranger: Caller;

beforeAll(async () => {
  db = await createTestSurroundings();
});
beforeEach(async () => {
  org = await makeOrg(db.pool);
  ada = await org.person('Ada');
  bob = await org.person('Bob');
  stranger = await (await makeOrg(db.pool)).person('Stranger', 'owner');
});
afterAll(() => db.drop());

const form = { fields: [{ type: 'yesno' as const, id: 'ok', required: true }] };
const create = (caller: Caller, input: Partial<InputOf<typeof templatesCreate>> = {}) =>
  db.around.templates.create(callBy(caller), templatesCreate.input.parse({ name: 'Deploy', form, ...input }));
const save = (caller: Caller, name: string, filter = {}) =>
  db.around.views.create(callBy(caller), viewsCreate.input.parse({ name, filter }));
const page = { limit: 50 };

test('a stored form is asked by name, changed, listed and deleted', async () => {
  const { id } = await create(ada);
  const { item } = await db.inbox.creation.create(callBy(ada), { ...noticing(), template: 'deploy' });
  expect(item.form).toMatchObject(form);
  await db.around.templates.update(callBy(bob), { id, name: 'Ship' });
  expect(await db.around.templates.get(callBy(bob), id)).toMatchObject({ name: 'Ship', created_by: { id: ada.id } });
  expect((await db.around.templates.list(callBy(bob), { ...page, q: 'SHI' })).items).toHaveLength(1);
  await db.around.templates.remove(callBy(bob), id);
  expect((await refusal(db.around.templates.get(callBy(bob), id))).code).toBe('not_found');
  expect((await db.inbox.items.get(callBy(ada), item.id)).form).toMatchObject(form);
});

test('a name stands once, and a pattern that does not compile is refused when the form is stored (situation 8)', async () => {
  const { id } = await create(ada);
  expect((await refusal(create(bob, { name: 'DEPLOY' }))).code).toBe('name_taken');
  const broken = { fields: [{ type: 'text' as const, id: 'a', pattern: '(' }] };
  const refused = await refusal(create(bob, { name: 'x', form: broken }));
  expect(refused).toMatchObject({ code: 'validation_failed', errors: [{ path: 'form.fields.0.pattern' }] });
  expect((await refusal(db.around.templates.update(callBy(ada), { id, form: broken }))).code).toBe('validation_failed');
});

test('stored forms of another organisation do not exist (situation 31)', async () => {
  const { id } = await create(ada);
  const { templates } = db.around;
  const call = callBy(stranger);
  for (const act of [
    () => templates.get(call, id),
    () => templates.update(call, { id, name: 'x' }),
    () => templates.remove(call, id),
  ]) {
    expect((await refusal(act())).code).toBe('not_found');
  }
  expect((await templates.list(call, page)).items).toEqual([]);
});

test('templates page by name', async () => {
  for (const name of ['b', 'A', 'c']) await create(ada, { name });
  const first = await db.around.templates.list(callBy(ada), { limit: 2 });
  const rest = await db.around.templates.list(callBy(ada), { limit: 2, cursor: first.next_cursor! });
  expect([...first.items, ...rest.items].map((one) => one.name)).toEqual(['A', 'b', 'c']);
});

test('saved views belong to one person, keep an order and page by it', async () => {
  const first = await save(ada, 'Urgent', { priority: [4] });
  const second = await save(ada, 'Mine', { assignee: 'me' });
  await save(ada, 'Old');
  await save(bob, 'Urgent');
  expect((await refusal(save(ada, 'urgent'))).code).toBe('name_taken');
  await db.around.views.update(callBy(ada), { id: first.id, position: 9 });
  const names = async (limit: number, cursor?: string) =>
    db.around.views.list(callBy(ada), { limit, ...(cursor && { cursor }) });
  const one = await names(2);
  const two = await names(2, one.next_cursor!);
  expect([...one.items, ...two.items].map((view) => view.name)).toEqual(['Mine', 'Old', 'Urgent']);
  expect(two.items[0]!.filter).toEqual({ priority: [4] });
  for (const caller of [bob, stranger]) {
    expect((await refusal(db.around.views.update(callBy(caller), { id: second.id, name: 'x' }))).code).toBe(
      'not_found',
    );
    expect((await refusal(db.around.views.remove(callBy(caller), second.id))).code).toBe('not_found');
  }
  await db.around.views.remove(callBy(ada), second.id);
  expect((await names(50)).items).toHaveLength(2);
  expect((await refusal(names(50, 'x'))).code).toBe('bad_request');
});
