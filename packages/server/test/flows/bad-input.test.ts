import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectV1 } from '../support/mcp-drivers.ts';
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

const upload = async (by: Person | Agent, item: string, name: string, bytes: string, type: string) => {
  const file = new FormData();
  file.append('file', new Blob([bytes], { type }), name);
  return by.post(`/api/v1/inbox/items/${item}/attachments`, file);
};

describe('situation 42: text and files that would run', () => {
  // That a browser runs none of it, and fetches nothing before its reader allows it, is a journey in packages/web/test.
  const message =
    '<script>x()</script> <img src=x onerror=x()> [l](javascript:x()) ![i](https://tracker.example/p.png)';

  it('a message comes back as the text it is, as JSON that no browser runs', async () => {
    const { id } = ok(await g.post('/api/v1/inbox/notify', { title: '<b>bold</b>', message }));
    const got = await a.get(`/api/v1/inbox/items/${id}`);
    expect(got.body).toMatchObject({ title: '<b>bold</b>', message });
    expect(got.headers.get('content-type')).toContain('application/json');
    expect(got.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('an action that opens javascript: or data: is refused', async () => {
    for (const url of [
      'javascript:alert(1)',
      'data:text/html,<script>1</script>',
      'JaVaScRiPt:1',
      '//evil.example',
      'file:///etc/passwd',
      'vbscript:x',
    ]) {
      const refused = await g.post('/api/v1/inbox/notify', {
        title: 'x',
        actions: [{ kind: 'open_url', id: 'o', label: 'Open', url }],
      });
      expect([url, refused.status]).toEqual([url, 422]);
    }
  });

  it('a file named x.png that holds HTML is refused by sniffing, or never served inline', async () => {
    const { id } = ok(await g.post('/api/v1/inbox/notify', { title: 'With files' }));
    const html = '<!doctype html><html><script>alert(document.cookie)</script></html>';
    const disguised = await upload(a, id, 'x.png', html, 'image/png');
    expect([disguised.status, disguised.body.code]).toEqual([415, 'unsupported_type']);

    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    for (const [name, bytes, type] of [
      ['page.html', html, 'text/html'],
      ['drawing.svg', svg, 'image/svg+xml'],
      ['notes.txt', html, 'text/plain'],
    ] as const) {
      const made = await upload(a, id, name, bytes, type);
      if (made.status === 415) continue;
      const served = await a.get(`/api/v1/inbox/attachments/${ok(made).id}`);
      expect(served.headers.get('content-disposition')).toMatch(/^attachment/);
      expect(served.headers.get('x-content-type-options')).toBe('nosniff');
      expect(served.headers.get('content-security-policy')).toMatch(/sandbox|default-src 'none'/);
    }
  });

  it('a file name cannot break out of its header', async () => {
    const { id } = ok(await g.post('/api/v1/inbox/notify', { title: 'Named oddly' }));
    const made = await upload(a, id, 'a"; filename=evil.html\r\nX-Evil: 1', 'text', 'text/plain');
    if (made.status >= 400) return expect(made.status).toBeOneOf([415, 422, 400]);
    const served = await a.get(`/api/v1/inbox/attachments/${made.body.id}`);
    expect(served.headers.get('x-evil')).toBeNull();
    expect(served.headers.get('content-disposition')).not.toContain('\n');
  });
});

describe('requests that no client should send', () => {
  it.each([
    ['broken JSON', '{"title":', 400, 'bad_request'],
    ['a list instead of an object', '[]', 422, 'validation_failed'],
    ['an unknown field', '{"title":"x","nonsense":1}', 400, 'bad_request'],
    ['no title', '{}', 422, 'validation_failed'],
    ['a title of 201 characters', JSON.stringify({ title: 'x'.repeat(201) }), 422, 'validation_failed'],
    ['a title that is a number', '{"title":5}', 422, 'validation_failed'],
  ])('%s', async (_what, body, status, code) => {
    const refused = await g.post('/api/v1/inbox/notify', body);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.body.request_id).toEqual(expect.any(String));
  });

  it('text that no database stores is refused by name, other odd text is kept', async () => {
    for (const title of ['zero \u0000 byte', 'half \ud800 character']) {
      const refused = await g.post('/api/v1/inbox/notify', { title: 'x', metadata: { deep: [title] } });
      expect([refused.status, refused.body.errors?.[0].path]).toEqual([422, 'metadata.deep.0']);
      for (const input of [
        { title },
        { title: 'x', message: title },
        { title: 'x', tags: [title] },
        { title: 'x', state: title },
        { title: 'x', metadata: { [title]: 1 } },
      ])
        expect((await g.post('/api/v1/inbox/notify', input)).status).toBe(422);
      const client = await connectV1(world.url, g.token);
      const tool = await client.call('inbox_notify', { title });
      expect([tool.isError, tool.content[0]!.text]).toEqual([true, expect.stringContaining('validation_failed')]);
      await client.close();
    }
    expect((await a.get('/api/v1/inbox/items?q=%00')).status).toBe(422);
    expect((await a.get('/api/v1/inbox/items/%00')).status).toBe(422);
    for (const title of ['\u202Eright to left', '👩‍👩‍👧', "Robert'); drop table inbox_items;--"]) {
      const made = ok(
        await g.post('/api/v1/inbox/notify', {
          title,
          message: title,
          metadata: { [title]: title },
          tags: [title],
          state: title,
        }),
      );
      expect(ok(await a.get(`/api/v1/inbox/items/${made.id}`))).toMatchObject({
        title,
        message: title,
        metadata: { [title]: title },
        tags: [title],
      });
      expect(ok(await g.get(`/api/v1/inbox/items/${made.id}/wait?timeout=0`)).state).toBe(title);
    }
  });

  it('a search with every operator of the query language finds or finds nothing, and never fails', async () => {
    for (const q of ["'", '"', ':*', '&', '| !', '(a', 'a:b', '\\', '%', '<->', "a' or 1=1 --", '🙂', '-'])
      expect([q, (await a.get(`/api/v1/inbox/items?q=${encodeURIComponent(q)}`)).status]).toEqual([q, 200]);
  });

  it('a cursor that was tampered with gives 400', async () => {
    for (let i = 0; i < 3; i += 1) ok(await g.post('/api/v1/inbox/notify', { title: `Page ${i}` }));
    const { next_cursor } = ok(await a.get('/api/v1/inbox/items?limit=1'));
    for (const cursor of ['x', `${next_cursor}x`, btoa('{}'), btoa('[1,2]'), '%00'])
      expect([
        cursor,
        (await a.get(`/api/v1/inbox/items?limit=1&cursor=${encodeURIComponent(cursor)}`)).status,
      ]).toEqual([cursor, 400]);
  });

  it('a page that is walked while items arrive shows each older item exactly once', async () => {
    const many = await world.makeOrg('Paged');
    const ids: string[] = [];
    for (let i = 0; i < 30; i += 1)
      ids.push(ok(await many.owner.post('/api/v1/inbox/notify', { title: `Walked ${i}` })).id);
    const walked: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Json = ok(
        await many.owner.get(`/api/v1/inbox/items?limit=7${cursor === null ? '' : `&cursor=${cursor}`}`),
      );
      walked.push(...page.items.map((item: Json) => item.id));
      cursor = page.next_cursor;
      ok(await many.owner.post('/api/v1/inbox/notify', { title: 'Newer' }));
    } while (cursor !== null);
    expect(walked).toEqual(ids.toReversed());
  });
});
