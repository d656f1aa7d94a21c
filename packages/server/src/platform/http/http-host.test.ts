import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestHost, type TestHost } from './http-host.testkit.ts';
import { httpDefaults } from './http-options.ts';

const id = '0199f2c6-7d5e-7a3b-9c41-5f0e8d2b6a17';
let t: TestHost;
beforeAll(async () => {
  t = await startTestHost({
    config: { metrics_token: 'scrape', trusted_proxies: ['10.0.0.0/8'], cors_origins: ['https://friend.example'] },
  });
});
afterAll(() => t.host.close());

const json = async (response: Response | Promise<Response>): Promise<Record<string, unknown>> =>
  (await (await response).json()) as Record<string, unknown>;
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  t.call(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });

describe('input', () => {
  test('comes from the query, with numbers, booleans and lists read by the schema', async () => {
    const told = await json(t.call('/api/v1/things?limit=7&open=true&tags=a&tags=b'));
    expect(told['input']).toEqual({ limit: 7, open: true, tags: ['a', 'b'] });
    expect((await json(t.call('/api/v1/things?tags=a,b')))['input']).toEqual({ limit: 50, tags: ['a', 'b'] });
  });

  test('joins path and body', async () => {
    const answer = await t.call(`/api/v1/things/${id}`, { method: 'PATCH', body: JSON.stringify({ title: 'x' }) });
    expect((await json(answer))['input']).toEqual({ id, title: 'x' });
  });

  test.each([
    ['/api/v1/things?limit=many', 'limit'],
    ['/api/v1/things?limit=1&limit=2', 'limit'],
    ['/api/v1/things?open=maybe', 'open'],
    ['/api/v1/things/not-a-uuid', 'id'],
    [`/api/v1/things/${id}?id=${id}`, 'id'],
  ])('%s is refused by the name of the field', async (path, field) => {
    const answer = await t.call(path);
    expect(answer.status).toBe(422);
    const problem = await json(answer);
    expect(problem).toMatchObject({ code: 'validation_failed', status: 422, errors: [{ path: field }] });
  });

  test.each(['surprise', '__proto__', 'constructor'])(
    'the unknown field %s is named, and makes it a bad request',
    async (field) => {
      const answer = await t.call(`/api/v1/things?${field}=1`);
      expect(answer.status).toBe(400);
      expect(await json(answer)).toMatchObject({ code: 'bad_request', status: 400, errors: [{ path: field }] });
    },
  );

  test('wrong and unknown members of a body are named by their dotted path', async () => {
    const problem = await json(post('/api/v1/things', { title: '', form: { fields: [{ id: 1, extra: 2 }] }, more: 1 }));
    expect((problem['errors'] as { path: string }[]).map((e) => e.path).sort()).toEqual([
      'form.fields.0.extra',
      'form.fields.0.id',
      'more',
      'title',
    ]);
  });

  test.each([
    ['{"title":', 400, 'bad_request'],
    ['{"title":"x","__proto__":{"a":1}}', 400, 'bad_request'],
    ['[]', 422, 'validation_failed'],
    ['null', 422, 'validation_failed'],
    ['"text"', 422, 'validation_failed'],
    ['', 422, 'validation_failed'],
  ])('the body %s is answered with %i', async (body, status, code) => {
    const answer = await post('/api/v1/things', body);
    expect(answer.status).toBe(status);
    expect(await json(answer)).toMatchObject({ code });
  });

  test('a wrong content type is 415 and a large body 413', async () => {
    expect(
      (await post('/api/v1/things', 'title=x', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(415);
    expect((await post('/api/v1/things', { title: 'x'.repeat(1_100_000) })).status).toBe(413);
  });

  test('query members on an operation with a body are refused', async () => {
    expect((await post('/api/v1/things?title=x', { title: 'x' })).status).toBe(422);
  });

  test('a body on DELETE is refused, its query members are read', async () => {
    expect((await t.call(`/api/v1/things/${id}?force=true`, { method: 'DELETE' })).status).toBe(204);
    expect((await t.call(`/api/v1/things/${id}`, { method: 'DELETE', body: '{"force":true}' })).status).toBe(422);
  });
});

describe('credentials', () => {
  test('none gives 401 with the way to a token', async () => {
    const answer = await t.call('/api/v1/things', { token: null });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="http://localhost:${t.port}/.well-known/oauth-protected-resource/api/v1"`,
    );
  });

  test('a dead or malformed one gives 401 and says that the token is invalid', async () => {
    const answer = await t.call('/api/v1/things', { token: 'nobody' });
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(
      (
        await t.call('/api/v1/things', {
          token: null,
          headers: { authorization: 'Basic x', cookie: 'atrium_session=owner' },
        })
      ).status,
    ).toBe(401);
  });

  test('a missing scope is named, before the input is looked at, and audited', async () => {
    const answer = await t.call('/api/v1/things', { method: 'POST', body: '{}', token: 'reader' });
    expect(answer.status).toBe(403);
    expect(await json(answer)).toMatchObject({
      code: 'insufficient_scope',
      error: 'insufficient_scope',
      required: 'inbox:write',
    });
    expect(answer.headers.get('www-authenticate')).toContain('scope="inbox:write"');
    expect(t.denied.at(-1)).toEqual({ operation: 'thing.create', code: 'insufficient_scope' });
  });

  test('a missing permission and a wrong kind of principal are 403', async () => {
    expect(await json(t.call('/api/v1/things', { method: 'POST', body: '{}', token: 'viewer' }))).toMatchObject({
      code: 'permission_denied',
      required: 'items.write',
    });
    expect((await t.call('/api/v1/agents-only')).status).toBe(403);
  });

  const cookie = 'other=1; atrium_session=owner';
  const proof = { 'x-atrium-csrf': httpDefaults.page_proofs.of('owner') };
  test.each([
    ['no origin at all', {}, 201],
    ['the same origin', { 'sec-fetch-site': 'same-origin', ...proof }, 201],
    ['the same origin, without what its page carries', { 'sec-fetch-site': 'same-origin' }, 403],
    [
      'an app at the same origin',
      { 'sec-fetch-site': 'same-origin', ...proof, referer: 'http://localhost/apps/x/' },
      403,
    ],
    ['another site', { 'sec-fetch-site': 'cross-site', ...proof }, 403],
    ['a sibling domain', { 'sec-fetch-site': 'same-site', ...proof }, 403],
    ['a foreign Origin', { origin: 'https://evil.example', ...proof }, 403],
    ['the null origin', { origin: 'null' }, 403],
  ])('a write by cookie from %s', async (_name, headers, status) => {
    const answer = await t.call('/api/v1/things', {
      method: 'POST',
      body: '{"title":"x"}',
      token: null,
      headers: { cookie, ...headers },
    });
    expect(answer.status).toBe(status);
    if (status === 403) expect(await json(answer)).toMatchObject({ code: 'csrf_rejected' });
  });

  test('a read by cookie takes what the page of the dashboard carries, in a header or the address, or no page at all', async () => {
    const read = (headers: Record<string, string>, query = '') =>
      t.call(`/api/v1/things${query}`, { token: null, headers: { cookie, ...headers } });
    const page = { 'sec-fetch-site': 'same-origin' };
    for (const answer of [await read({}), await read({ ...page, ...proof })]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await read(page, `?atrium_csrf=${proof['x-atrium-csrf']}`)).status).toBe(200);
    expect((await read(page)).status).toBe(403);
    expect((await read(page, '?atrium_csrf=guessed')).status).toBe(403);
  });

  test('signing in sets an httpOnly cookie, signing out clears it, and a dead credential hinders neither', async () => {
    const signIn = await t.call('/auth/login', { method: 'POST', token: 'dead' });
    expect(signIn.headers.get('set-cookie')).toBe(
      'atrium_session=owner; Path=/; HttpOnly; SameSite=Lax; Expires=Tue, 01 Jan 2030 00:00:00 GMT',
    );
    expect((await json(signIn))['caller']).toBe('anonymous');
    const out = await t.call('/auth/login', { method: 'POST', body: '{"out":true}' });
    expect(out.headers.get('set-cookie')).toContain('Expires=Thu, 01 Jan 1970');
  });
});

describe('errors', () => {
  test('are problem documents whose standard members no extension replaces', async () => {
    const answer = await post('/api/v1/things/fail', { how: 'app' });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const problem = await json(answer);
    expect(problem).toMatchObject({
      status: 409,
      code: 'item_closed',
      detail: 'Grace answered first.',
      item_status: 'answered',
      error: 'item closed',
      instance: '/api/v1/things/fail',
    });
    expect(problem['request_id']).toBe(answer.headers.get('x-request-id'));
  });

  test('nobody expected are opaque to the client and complete in the log', async () => {
    const answer = await post('/api/v1/things/fail', { how: 'bug' });
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).not.toContain('secret internals');
    const line = t.logs.find(
      (l) => l.level === 'error' && l.fields['request_id'] === answer.headers.get('x-request-id'),
    );
    expect(String((line!.fields['err'] as Error).stack)).toContain('secret internals');
  });

  test('of the data layer are 503 with Retry-After, never 404', async () => {
    const answer = await post('/api/v1/things/fail', { how: 'database' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  });

  test('include an answer that breaks its own contract, where that is checked', async () => {
    expect((await post('/api/v1/things/fail', { how: 'wrong_output' })).status).toBe(500);
  });

  test('tell unknown paths from wrong methods', async () => {
    expect(await json(t.call('/api/v1/nothing'))).toMatchObject({ code: 'not_found', status: 404 });
    expect(
      await json(t.call('/api/v1/nothing', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })),
    ).toMatchObject({ code: 'not_found' });
    const answer = await t.call('/api/v1/things', { method: 'PUT' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS']);
    expect(await json(answer)).toMatchObject({ code: 'method_not_allowed' });
  });

  test('keep a sane request id and replace a strange one', async () => {
    expect(
      (await t.call('/health', { headers: { 'x-request-id': 'client-id-123' } })).headers.get('x-request-id'),
    ).toBe('client-id-123');
    expect((await t.call('/health', { headers: { 'x-request-id': 'a b"<' } })).headers.get('x-request-id')).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });
});

describe('idempotency', () => {
  test('by header gives the handler key, operation and a hash of the meaning, not of the text', async () => {
    const hash = async (body: string) => {
      await post('/api/v1/things', body, { 'idempotency-key': 'k1' });
      return t.calls.at(-1)!.idempotency;
    };
    const first = await hash('{"title":"x","form":{"fields":[]}}');
    expect(first).toMatchObject({ key: 'k1', operation: 'thing.create' });
    expect(await hash('{ "form": {"fields": []}, "title": "x" }')).toEqual(first);
    expect((await hash('{"title":"y"}'))!.request_hash).not.toBe(first!.request_hash);
  });

  test('by field is filled from the header, and a contradiction refused', async () => {
    const patch = (body: unknown) =>
      t.call(`/api/v1/things/${id}`, {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { 'idempotency-key': 'k2' },
      });
    expect((await json(patch({ title: 'x' })))['input']).toMatchObject({ idempotency_key: 'k2' });
    expect((await patch({ title: 'x', idempotency_key: 'k2' })).status).toBe(200);
    expect((await patch({ title: 'x', idempotency_key: 'k3' })).status).toBe(422);
    expect(t.calls.at(-1)!.idempotency).toBeNull();
  });

  test.each([['x'.repeat(256)], ['a key'], ['']])('the key %j is refused', async (key) => {
    expect((await post('/api/v1/things', { title: 'x' }, { 'idempotency-key': key })).status).toBe(400);
  });
});

describe('bytes', () => {
  test('that a browser could run are downloaded, sandboxed and not sniffed', async () => {
    const answer = await t.call('/api/v1/download?name=%22a%0d%0aSet-Cookie:x%20%C3%A9.html');
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="_a__Set-Cookie:x _.html"; filename\*=UTF-8''%22a%0D%0A/,
    );
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await t.call('/api/v1/download?type=image/png')).headers.get('content-disposition')).toMatch(/^inline/);
    expect((await t.call('/api/v1/download?type=image/svg%2Bxml')).headers.get('content-disposition')).toMatch(
      /^attachment/,
    );
  });

  test('are not sent again to a client that has them', async () => {
    expect((await t.call('/api/v1/download', { headers: { 'if-none-match': '"v1"' } })).status).toBe(304);
  });

  test('arrive as a stream within their own limit', async () => {
    const send = (size: number) =>
      t.call('/api/v1/upload?note=x', {
        method: 'POST',
        body: new Uint8Array(size),
        headers: { 'content-type': 'audio/ogg' },
      });
    expect(await json(send(1_500_000))).toEqual({ bytes: 1_500_000, type: 'audio/ogg' });
    expect((await send(2_000_001)).status).toBe(413);
  });

  test('without an announced length are counted', async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    const answer = t.call('/api/v1/upload', { method: 'POST', body: endless, duplex: 'half' } as RequestInit);
    // The server may answer or cut the connection while the client still sends; it never takes everything.
    const status = await answer.then(
      (r) => r.status,
      () => 413,
    );
    expect(status).toBe(413);
  });

  test('come as one multipart file named file', async () => {
    const send = (name: string, size: number) => {
      const form = new FormData();
      form.set(name, new Blob([new Uint8Array(size)]), 'photo.png');
      return t.call('/api/v1/attach', { method: 'POST', body: form });
    };
    expect(await json(send('file', 90_000))).toEqual({ bytes: 90_000, name: 'photo.png' });
    expect((await send('file', 100_001)).status).toBe(413);
    expect((await send('other', 10)).status).toBe(422);
    expect((await t.call('/api/v1/attach', { method: 'POST', body: '{}' })).status).toBe(415);
  });
});

describe('streams', () => {
  test('are server-sent events that go on after Last-Event-ID', async () => {
    const stop = new AbortController();
    const answer = await t.call('/api/v1/stream', { headers: { 'last-event-id': '41' }, signal: stop.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('line two')) text += (await reader.read()).value;
    expect(text).toContain('event: tick\nid: 42\ndata: line one\ndata: line two\n\n');
    stop.abort();
    const { signal } = t.calls.at(-1)!;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.aborted).toBe(true);
  });
});

describe('common ground', () => {
  test('health and readiness are told without a credential', async () => {
    expect(await json(t.call('/health', { token: null }))).toEqual({
      status: 'ok',
      timestamp: '2026-11-20T12:00:00.000Z',
      version: '0.1.0',
    });
    expect((await t.call('/ready', { token: null })).status).toBe(200);
  });

  test('metrics hold how long bodies are', async () => {
    const read = async () => {
      const text = await (await t.call('/metrics', { token: null })).text();
      return ['request', 'response'].map((of) =>
        Number(new RegExp(`^atrium_http_${of}_size_bytes_sum (\\d+)$`, 'm').exec(text)?.[1]),
      );
    };
    const before = await read();
    const [sent, got] = ['{"title":"x"}', await t.call(`/api/v1/things/${id}`)];
    const answer = await t.call(`/api/v1/things/${id}`, { method: 'PATCH', body: sent });
    const lengths = [(await got.text()).length, (await answer.text()).length];
    await expect.poll(async () => (await read())[0]! - before[0]!).toBe(sent.length);
    // The text of the figures is an answer as well.
    expect((await read())[1]! - before[1]!).toBeGreaterThan(lengths[0]! + lengths[1]!);
  });

  test('metrics are for this machine or the token, and hold no path', async () => {
    await t.call(`/api/v1/things/${id}?limit=secret-title`);
    const local = await t.call('/metrics', { token: null });
    expect(local.status).toBe(200);
    const text = await local.text();
    expect(text).toContain('route="/api/v1/things/{id}"');
    expect(text).not.toContain(id);
    expect(text).not.toContain('secret-title');
    expect((await t.call('/metrics', { token: null, headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(401);
    expect((await t.call('/metrics', { token: 'wrong' })).status).toBe(401);
    expect((await t.call('/metrics', { token: 'scrape', headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(
      200,
    );
  });

  test('protected resource documents are served in both places', async () => {
    const base = `http://localhost:${t.port}`;
    expect(await json(t.call('/.well-known/oauth-protected-resource'))).toMatchObject({
      resource: base,
      authorization_servers: [base],
      bearer_methods_supported: ['header'],
    });
    expect(await json(t.call('/.well-known/oauth-protected-resource/mcp'))).toMatchObject({ resource: `${base}/mcp` });
  });

  test('answers carry a strict policy', async () => {
    const { headers } = await t.call('/api/docs', { token: null });
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toBeNull();
  });

  test('an untrusted peer cannot choose its address', async () => {
    await t.call('/api/v1/things', { headers: { 'x-forwarded-for': '198.51.100.7' } });
    expect(t.calls.at(-1)!.ip).toBe('127.0.0.1');
  });

  test('only configured origins may read from a browser, without the cookie', async () => {
    const preflight = (origin: string) =>
      t.call('/api/v1/things', {
        method: 'OPTIONS',
        token: null,
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const friend = await preflight('https://friend.example');
    expect([
      friend.status,
      friend.headers.get('access-control-allow-origin'),
      friend.headers.get('access-control-allow-credentials'),
    ]).toEqual([204, 'https://friend.example', null]);
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a traceparent is continued, a broken one ignored', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(
      (await json(t.call('/api/v1/things', { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } })))[
        'trace_id'
      ],
    ).toBe(trace);
    expect(
      (await json(t.call('/api/v1/things', { headers: { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` } })))[
        'trace_id'
      ],
    ).toBeNull();
  });

  test('HEAD answers as GET without a body, long text is compressed', async () => {
    const head = await t.call('/api/v1/things', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const contract = await fetch(`${t.url}/api/openapi.json`, { headers: { 'accept-encoding': 'gzip' } });
    expect(contract.headers.get('content-encoding')).toBe('gzip');
    expect(await json(contract)).toMatchObject({ openapi: '3.1.1' });
  });
});

test('Requests are limited by principal, public ones by address, and health never', async () => {
  const limited = await startTestHost({
    options: {
      rate_rules: () => ({ principal: { limit: 2, window_s: 60 }, address: { limit: 1, window_s: 60 } }),
    },
  });
  try {
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await limited.call('/api/v1/things')).status);
    expect(statuses).toEqual([200, 200, 429]);
    const other = await limited.call('/api/v1/things', { token: 'viewer' });
    expect([
      other.headers.get('x-ratelimit-limit'),
      other.headers.get('x-ratelimit-remaining'),
      other.headers.get('x-ratelimit-reset'),
    ]).toEqual(['2', '1', '60']);
    expect((await limited.call('/auth/login', { method: 'POST', token: null })).status).toBe(200);
    const refused = await limited.call('/auth/login', { method: 'POST', token: null });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    for (let i = 0; i < 5; i++) expect((await limited.call('/health')).status).toBe(200);
  } finally {
    await limited.host.close();
  }
});

test('A server that is not ready says which check failed', async () => {
  const down = await startTestHost({
    options: { ready: { database: () => Promise.reject(new Error('gone')), jobs: () => true } },
  });
  try {
    const answer = await down.call('/ready');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await json(answer)).toMatchObject({ code: 'not_ready', failed: ['database'] });
  } finally {
    await down.host.close();
  }
});

test('More requests at once than allowed are pushed back, and the server recovers', async () => {
  const small = await startTestHost({ config: { max_in_flight: 1 } });
  try {
    const stop = new AbortController();
    const waiting = small.call('/api/v1/wait', { signal: stop.signal }).catch(() => null);
    await expect.poll(() => small.host.in_flight.size).toBe(1);
    const refused = await small.call('/api/v1/things');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await small.call('/health')).status).toBe(200);
    stop.abort();
    await waiting;
    await expect.poll(() => small.host.in_flight.size).toBe(0);
    expect((await small.call('/api/v1/things')).status).toBe(200);
  } finally {
    await small.host.close();
  }
});

test('Closing ends long waits with a clean 503, answers who is connected, and takes no new connection', async () => {
  const closing = await startTestHost({ config: { drain_grace_ms: 300 } });
  const waiting = closing.call('/api/v1/wait');
  await expect.poll(() => closing.host.in_flight.size).toBe(1);
  // A request of which the server has the beginning only.
  const half = connect(closing.port, '127.0.0.1');
  let heard = '';
  half.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  const ended = once(half, 'close');
  half.write('GET /api/v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer owner\r\n');
  const connections = () => new Promise<number>((told) => closing.host.app.server.getConnections((_, n) => told(n)));
  await expect.poll(connections).toBe(2);
  const closed = closing.host.close();
  await expect(closing.call('/api/v1/things')).rejects.toThrow();
  half.write('\r\n');
  await ended;
  expect(heard).toMatch(/^HTTP\/1\.1 200 /);
  expect(heard.toLowerCase()).toContain('connection: close');
  const answer = await waiting;
  expect([answer.status, (await json(answer))['code']]).toEqual([503, 'not_ready']);
  await closed;
  await expect(closing.call('/health')).rejects.toThrow();
});

test('Closing does not wait for a connection that speaks something else by now', async () => {
  const closing = await startTestHost();
  closing.host.upgrades.add((request, socket) => {
    if (request.url !== '/other') return false;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
    return true;
  });
  const other = connect(closing.port, '127.0.0.1');
  other.write('GET /other HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
  await once(other, 'data');
  const ended = once(other, 'close');
  await closing.host.close();
  await ended;
});

test('The in-flight request of a trusted proxy is judged by the address it names', async () => {
  const behind = await startTestHost({ config: { trusted_proxies: ['127.0.0.0/8'] } });
  try {
    await behind.call('/api/v1/things', { headers: { 'x-forwarded-for': '198.51.100.7' } });
    expect(behind.calls.at(-1)!.ip).toBe('198.51.100.7');
    expect(
      (await behind.call('/metrics', { token: null, headers: { 'x-forwarded-for': '198.51.100.7' } })).status,
    ).toBe(401);
  } finally {
    await behind.host.close();
  }
});
