import { fieldTypes, topFields } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyType } from '../../../protocol/src/forms/form-samples.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';

let world: World;
let org: Org;
let a: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

const ask = async (input: Record<string, unknown>): Promise<string> =>
  ok(await g.post('/api/v1/inbox/ask', { title: 'A question', ...input })).id;
const answer = (id: string, body: unknown) => a.post(`/api/v1/inbox/items/${id}/answer`, body);
const pathsOf = (body: Json): string[] => body.errors.map((error: { path: string }) => error.path);

const basics = {
  name: 'ada',
  why: 'because',
  count: 3,
  speed: 'fast',
  tags: ['a', 'c'],
  sure: true,
  loud: false,
  ok: true,
};
const last = {
  hosts: [{ host: 'one', port: 22 }, { host: 'two' }],
  day: '2026-02-28',
  hour: '14:30',
  mail: 'ada@example.org',
  link: 'https://example.org/x',
  extra: { a: 1 },
};

describe('situation 7: all 22 field types in one three-page form with a conditional branch', () => {
  it('values of the page that was visited are stored and validate', async () => {
    const types = new Set(
      topFields(everyType).flatMap((field) => [field.type, ...(field.type === 'group' ? ['text'] : [])]),
    );
    expect([...types].sort()).toEqual([...fieldTypes].sort());
    const id = await ask({ form: everyType });
    const file = new FormData();
    file.append('file', new Blob(['a line of a log\n'], { type: 'text/plain' }), 'run.log');
    const attached = ok(await a.post(`/api/v1/inbox/items/${id}/attachments`, file));
    const detail = {
      when: '2026-01-31T14:30:00Z',
      issue: '#2',
      patch: { decision: 'approve', comment: 'fine' },
      stars: 5,
      level: 0.3,
      log: { attachment_id: attached.id, name: attached.name, size: attached.size, mime: attached.mime },
    };
    const values = { ...basics, kind: 'long', ...detail, ...last };
    const item = ok(await answer(id, { values }));
    expect(item).toMatchObject({ status: 'answered', response: values });
    expect(ok(await g.get(`/api/v1/inbox/items/${id}/wait?timeout=1`)).values).toEqual(values);
  });

  it('values of the page that was not visited are dropped', async () => {
    const id = await ask({ form: everyType });
    const item = ok(
      await answer(id, { values: { ...basics, kind: 'short', ...last, when: '2026-01-31T14:30:00Z', stars: 99 } }),
    );
    expect(item.response).toEqual({ ...basics, kind: 'short', ...last });
    const stored = await world.database.query('select response from inbox_items where id = $1', [id]);
    expect(stored.rows[0].response).toEqual(item.response);
  });

  it('an unknown key gives 422 and closes nothing', async () => {
    const id = await ask({ form: everyType });
    const refused = await answer(id, { values: { ...basics, kind: 'short', ...last, extra_key: 1 } });
    expect([refused.status, refused.body.code, pathsOf(refused.body)]).toEqual([
      422,
      'validation_failed',
      ['extra_key'],
    ]);
    const inRow = await answer(id, { values: { ...basics, kind: 'short', ...last, hosts: [{ host: 'x', more: 1 }] } });
    expect([inRow.status, pathsOf(inRow.body)]).toEqual([422, ['hosts.0.more']]);
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`)).status).toBe('open');
  });

  it('every wrong field is named in one answer', async () => {
    const id = await ask({ form: everyType });
    const refused = await answer(id, {
      values: { ...basics, kind: 'short', ...last, name: 'X', count: 99, mail: 'no' },
    });
    expect([refused.status, pathsOf(refused.body).sort()]).toEqual([422, ['count', 'mail', 'name']]);
  });
});

describe('situation 8: what is wrong with a form is said when the item is created', () => {
  it.each([
    ['an unknown type', { type: 'hologram', id: 'x' }],
    ['a pattern that does not compile', { type: 'text', id: 'x', pattern: '(unclosed' }],
    ['a pattern with a back reference', { type: 'text', id: 'x', pattern: '(a)\\1' }],
  ])('%s gives 422', async (_what, field) => {
    const refused = await g.post('/api/v1/inbox/ask', { title: 'Broken', form: { fields: [field] } });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(pathsOf(refused.body)[0]).toMatch(/^form\.fields\.0/);
    expect(ok(await a.get('/api/v1/inbox/items?q=broken')).items).toEqual([]);
  });

  it('an empty optional number is accepted at answer time', async () => {
    for (const values of [{}, { n: null }, { n: '' }]) {
      const id = await ask({ form: { fields: [{ type: 'number', id: 'n' }] } });
      const item = ok(await answer(id, { values }));
      expect([item.status, item.response.n ?? null]).toEqual(['answered', null]);
    }
  });
});

describe('situation 9: an approval whose arguments the person changes', () => {
  const approval = {
    tool: 'deploy',
    arguments: { region: 'us-east', replicas: 3 },
    arguments_schema: {
      type: 'object',
      properties: { region: { type: 'string' }, replicas: { type: 'integer', maximum: 5 } },
      required: ['region', 'replicas'],
      additionalProperties: false,
    },
  };

  it('the agent receives edit with the changed arguments', async () => {
    const id = await ask({ approval });
    const waiting = g.get(`/api/v1/inbox/items/${id}/wait?timeout=20`);
    const changed = { region: 'eu-north', replicas: 2 };
    ok(await answer(id, { reply: { kind: 'edit', arguments: changed } }));
    expect(ok(await waiting)).toMatchObject({
      status: 'answered',
      source: 'person',
      decision: 'edit',
      reply: { kind: 'edit', arguments: changed },
    });
  });

  it('an edit that breaks the schema gives 422 with the path, and the approval stays open', async () => {
    const id = await ask({ approval });
    const refused = await answer(id, { reply: { kind: 'edit', arguments: { region: 'eu', replicas: 50 } } });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(pathsOf(refused.body)[0]).toMatch(/arguments\.replicas$/);
    const extra = await answer(id, { reply: { kind: 'edit', arguments: { ...approval.arguments, force: true } } });
    expect(extra.status).toBe(422);
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`)).status).toBe('open');
  });

  it('a diff is decided with a comment', async () => {
    const id = await ask({ form: { fields: [{ type: 'diffapproval', id: 'patch', diff: '-a\n+b', required: true }] } });
    ok(await answer(id, { values: { patch: 'reject' } }));
    expect(ok(await g.get(`/api/v1/inbox/items/${id}/wait?timeout=1`)).values).toEqual({
      patch: { decision: 'reject' },
    });
  });
});

describe('situation 41: hostile forms and answers', () => {
  it('a hostile answer to (a+)+$ gives 422 within 50 ms of work and the server stays responsive', async () => {
    const id = await ask({ form: { fields: [{ type: 'text', id: 'x', pattern: '(a+)+$' }] } });
    const quiet = await Promise.all(Array.from({ length: 5 }, () => timed(() => world.anonymous.get('/health'))));
    const hostile = `${'a'.repeat(60_000)}!`;
    const attacks = Array.from({ length: 10 }, () => timed(() => answer(id, { values: { x: hostile } })));
    const during = await Promise.all(Array.from({ length: 10 }, () => timed(() => world.anonymous.get('/health'))));
    for (const { answer: refused } of await Promise.all(attacks)) expect(refused.status).toBe(422);
    // Ten at once on a busy machine: generous, yet far below what a backtracking engine would need (years).
    expect(Math.max(...during.map((one) => one.ms))).toBeLessThan(2000 + Math.max(...quiet.map((one) => one.ms)));
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`)).status).toBe('open');
  });

  it('a form of 300 KiB, 101 fields, 11 actions or 21 pages is refused', async () => {
    const text = (id: string) => ({ type: 'text', id });
    const big = { fields: [{ type: 'markdown', id: 'm', content: 'x'.repeat(300 * 1024) }] };
    const many = { fields: Array.from({ length: 101 }, (_, i) => text(`f${i}`)) };
    const paged = { pages: Array.from({ length: 21 }, (_, i) => ({ id: `p${i}`, fields: [text(`f${i}`)] })) };
    const actions = Array.from({ length: 11 }, (_, i) => ({ kind: 'ack', id: `a${i}`, label: 'OK' }));
    for (const form of [big, many, paged]) {
      const refused = await g.post('/api/v1/inbox/ask', { title: 'Huge', form });
      expect([413, 422]).toContain(refused.status);
    }
    expect((await g.post('/api/v1/inbox/notify', { title: 'Huge', actions })).status).toBe(422);
    expect((await g.post('/api/v1/inbox/notify', { title: 'Huge', message: 'x'.repeat(2 ** 21) })).status).toBe(413);
    expect(ok(await a.get('/api/v1/inbox/items?q=huge')).items).toEqual([]);
  });
});

const timed = async <T>(act: () => Promise<T>): Promise<{ ms: number; answer: T }> => {
  const began = performance.now();
  const given = await act();
  return { ms: performance.now() - began, answer: given };
};

describe('situation 48: a sealed answer', () => {
  it('is readable once by the agent that asked, and stands nowhere in plain', async () => {
    const secret = `s3al-${crypto.randomUUID()}`;
    const id = await ask({
      title: 'The root password',
      form: {
        fields: [
          { type: 'text', id: 'password', sealed: true, required: true },
          { type: 'text', id: 'hint' },
        ],
      },
      on_timeout: 'expire',
      ttl_ms: 3_600_000,
    });
    ok(await a.put(`/api/v1/inbox/items/${id}/draft`, { values: { password: secret, hint: 'old one' } }));
    const answered = await answer(id, { values: { password: secret, hint: 'the usual' } });
    expect(ok(answered)).toMatchObject({ status: 'answered', response: { hint: 'the usual' } });
    expect(JSON.stringify(answered.body)).not.toContain(secret);

    // Neither another agent, whatever it sees, nor the person who answered takes it.
    const nosy = await org.agent('Nosy', { item_scope: { kind: 'org' } });
    expect(JSON.stringify((await nosy.post(`/api/v1/inbox/items/${id}/outcome`)).body)).not.toContain(secret);
    expect(JSON.stringify((await a.post(`/api/v1/inbox/items/${id}/outcome`)).body)).not.toContain(secret);

    const racing = await Promise.all(Array.from({ length: 8 }, () => g.post(`/api/v1/inbox/items/${id}/outcome`)));
    const given = racing.filter((one) => JSON.stringify(one.body).includes(secret));
    expect(given).toHaveLength(1);
    expect(given[0]!.body.values).toEqual({ password: secret, hint: 'the usual' });
    expect(ok(await g.get(`/api/v1/inbox/items/${id}/wait?timeout=1`)).values).toEqual({ hint: 'the usual' });

    expect(world.server.output()).not.toContain(secret);
    const found = await tablesWith(secret);
    expect(found).toEqual([]);
    const exported = await org.owner.get('/api/v1/audit/export?format=ndjson');
    expect(exported.status).toBe(200);
    expect(String(exported.body)).not.toContain(secret);
  });
});

/** Every table of every schema, dbos included, whose rows hold the text. */
const tablesWith = async (text: string): Promise<string[]> => {
  const { rows } = await world.database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const hit = await world.database.query(`select 1 from ${name} t where t::text like $1 limit 1`, [`%${text}%`]);
    if (hit.rowCount !== 0) found.push(name);
  }
  return found;
};
