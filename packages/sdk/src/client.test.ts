import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AtriumError,
  AuthenticationError,
  createAtrium,
  diaryNamespace,
  makeAgentKey,
  NetworkError,
  NotAnswered,
  oauth,
  RegistrationError,
  register,
  verifyEntrySignature,
} from './index.ts';

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;
const script: Answer[] = [];
const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      (script.shift() ?? json(500, {}))(request, body, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  script.length = 0;
  seen.length = 0;
});

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, _body, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const problem = (status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Answer =>
  json(
    status,
    {
      type: 'about:blank',
      title: code,
      status,
      code,
      detail: `it is ${code}`,
      instance: '/',
      request_id: 'r1',
      ...more,
    },
    headers,
  );
const hangUp: Answer = (request) => void request.socket.destroy();

const id = '0190a000-0000-7000-8000-000000000000';
const client = (attempts?: number) =>
  createAtrium({ url, token: 'atk_test', pauseMs: 1, ...(attempts === undefined ? {} : { attempts }) });
const outcome = (parts: object) => ({
  status: 'pending',
  source: null,
  values: null,
  reply: null,
  decision: null,
  action: null,
  answered_by: null,
  answered_at: null,
  corrected: false,
  state: null,
  ...parts,
});
const asked = (parts: object | null) => json(201, { id, status: 'created', outcome: parts, occurrences: 1 });

describe('a call', () => {
  it('spreads the input over path and query, and carries the credential', async () => {
    script.push(json(200, { items: [], next_cursor: null }));
    await client().channels.list_members({ id, limit: 5 });
    expect(seen[0]).toMatchObject({ method: 'GET', url: `/api/v1/inbox/channels/${id}/members?limit=5` });
    expect(seen[0]?.headers.authorization).toBe('Bearer atk_test');
  });

  it('repeats a read that was cut off or refused for the moment', async () => {
    script.push(
      hangUp,
      problem(503, 'not_ready'),
      problem(429, 'rate_limited', {}, { 'retry-after': '0' }),
      json(200, { needs_me: 1 }),
    );
    expect(await client().inbox.counts()).toEqual({ needs_me: 1 });
    expect(seen).toHaveLength(4);
  });

  it('repeats a write only with an idempotency key', async () => {
    script.push(hangUp);
    await expect(client().inbox.comment({ id, body: 'x' })).rejects.toMatchObject({ code: 'unreachable' });
    expect(seen).toHaveLength(1);
    script.push(hangUp, json(201, { id }));
    await client().inbox.comment({ id, body: 'x' }, { idempotencyKey: 'k' });
    expect(seen.slice(1).map((one) => one.headers['idempotency-key'])).toEqual(['k', 'k']);
  });

  it('rejects with the code, the fields and the request id of a problem', async () => {
    script.push(problem(422, 'validation_failed', { errors: [{ path: 'name', message: 'is empty' }] }));
    const error = await client()
      .agents.create({ name: '' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AtriumError);
    expect(error).toMatchObject({
      code: 'validation_failed',
      status: 422,
      requestId: 'r1',
      errors: [{ path: 'name' }],
    });
  });

  it('rejects with a kind of error that says what failed, and its members by either name', async () => {
    script.push(problem(401, 'unauthorized'), hangUp, problem(403, 'registration_failed'), problem(409, 'conflict'));
    const unauthorized = await client(1)
      .me.get()
      .catch((error: unknown) => error);
    expect(unauthorized).toBeInstanceOf(AuthenticationError);
    expect(unauthorized).toMatchObject({ name: 'AuthenticationError', statusCode: 401, detail: 'it is unauthorized' });
    const silent = await client(1)
      .me.get()
      .catch((error: unknown) => error);
    expect(silent).toBeInstanceOf(NetworkError);
    expect(silent).toMatchObject({ code: 'unreachable', statusCode: null });
    const key = await makeAgentKey();
    const refused = await register({ url, key, voucherCode: 'f'.repeat(64) }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RegistrationError);
    expect(refused).toMatchObject({ code: 'registration_failed', status: 403, requestId: 'r1' });
    const other = await client(1)
      .me.get()
      .catch((error: unknown) => error);
    expect(other).toMatchObject({ constructor: AtriumError, name: 'AtriumError' });
  });

  it('makes sense of an answer that is no problem document', async () => {
    script.push((_request, _body, response) => void response.writeHead(404).end('<html>a proxy</html>'));
    await expect(client(1).me.get()).rejects.toMatchObject({ code: 'unknown', status: 404 });
  });

  it('counts a body that breaks off as no answer', async () => {
    script.push(
      (_request, _body, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"needs_');
        response.destroy();
      },
      json(200, { needs_me: 2 }),
    );
    expect(await client().inbox.counts()).toEqual({ needs_me: 2 });
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    script.push(() => stop.abort(new Error('enough')));
    await expect(client().inbox.counts({}, { signal: stop.signal })).rejects.toThrow('enough');
  });

  it('takes a token or a sign-in, not both', () => {
    expect(() => createAtrium({ url, token: 'atk_test', auth: oauth() })).toThrow(TypeError);
  });

  it('waits for an authorization server that does not answer as it does for the server', async () => {
    const network = (async () => {
      throw new TypeError('fetch failed');
    }) as unknown as typeof fetch;
    const call = createAtrium({ url, auth: oauth({ fetch: network }), pauseMs: 1 }).me.get();
    await expect(call).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('sends a file as the part that the server reads', async () => {
    script.push(json(201, { id }));
    await client().inbox.attach({ id }, { file: { name: 'a.txt', content: new Blob(['hello']) } });
    expect(seen[0]?.headers['content-type']).toMatch(/^multipart\/form-data/);
    expect(seen[0]?.body).toMatch(/name="file"; filename="a.txt"[\s\S]*hello/);
  });

  it('follows cursors to the end of a list', async () => {
    const { channelsList } = await import('@atrium/protocol');
    script.push(json(200, { items: [1, 2], next_cursor: 'c' }), json(200, { items: [3], next_cursor: null }));
    const found: unknown[] = [];
    for await (const item of client().transport.list(channelsList, {})) found.push(item);
    expect(found).toEqual([1, 2, 3]);
    expect(seen[1]?.url).toContain('cursor=c');
  });
});

describe('an entry of a signed diary', () => {
  const chain_id = '0190a000-0000-7000-8000-00000000000c';
  const wanted = problem(422, 'entry_signature_required', { chain_id, content_id: 'b-of-something-else' });
  const write = { diary_ref: 'Log', content: 'said', title: ' Title ', tags: ['b', ' a ', 'b'] };

  it('is signed when the server asks for it, over what it will keep, and only then is the key opened', async () => {
    const { entryContentId } = await import('@atrium/protocol');
    const key = await makeAgentKey();
    let opened = 0;
    const diary = diaryNamespace(client(), async () => {
      opened += 1;
      return key;
    });
    script.push(json(201, { id }));
    await diary.create(write);
    expect([seen.length, opened]).toEqual([1, 0]);
    script.push(wanted, json(201, { id }));
    await diary.create(write, { idempotencyKey: 'k' });
    expect([seen.length, opened]).toEqual([3, 1]);
    const { signature, ...rest } = JSON.parse(seen[2]!.body);
    expect(rest).toEqual(JSON.parse(seen[1]!.body));
    const said = { content: 'said', title: 'Title', tags: ['b', 'a'], entry_type: 'semantic' };
    const signed = { content_id: await entryContentId(said), signature, public_key: key.public_key };
    expect(await verifyEntrySignature(signed, chain_id)).toBe(true);
    script.push(wanted, json(201, { id }));
    await diary.supersede({ ...write, entry_id: id });
    expect(seen[4]!.url).toContain(`/entries/${id}/supersede`);
  });

  it('is left to whoever signed it, and refused where there is no key or no chain', async () => {
    const key = await makeAgentKey();
    script.push(wanted, wanted, problem(422, 'entry_signature_required', { chain_id: 'moltnet:recovery:x' }));
    const given = { ...write, signature: 'A'.repeat(86).concat('==') };
    for (const attempt of [
      () => diaryNamespace(client(), key).create(given),
      () => diaryNamespace(client(), undefined).create(write),
      () => diaryNamespace(client(), key).create(write),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'entry_signature_required' });
    expect(seen).toHaveLength(3);
  });
});

describe('ask', () => {
  it('goes on through a restart of the server and gives the typed answer', {
    tags: ['long'],
    timeout: 20_000,
  }, async () => {
    const { z } = await import('zod');
    script.push(asked(null), hangUp, problem(503, 'not_ready'), hangUp, hangUp, problem(429, 'too_many_waits'));
    script.push(
      json(200, outcome({ status: 'answered', source: 'person', values: { place: [{ city: 'Oslo' }], n: 3 } })),
    );
    const schema = z.object({ place: z.object({ city: z.string() }), n: z.number().transform((n) => n * 2) });
    const answer = await client(2).ask({ title: 'Where?', schema, patienceMs: 60_000 });
    expect(answer).toEqual({ place: { city: 'Oslo' }, n: 6 });
    expect(seen.filter((one) => one.method === 'POST')).toHaveLength(1);
  });

  it('sends one idempotency key however often the question is sent', async () => {
    script.push(hangUp, asked(outcome({ status: 'answered', values: { ok: true } })));
    await client().ask({ title: 'x', schema: { type: 'object', properties: { ok: { type: 'boolean' } } } });
    const keys = seen.map((one) => JSON.parse(one.body).idempotency_key);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(2);
  });

  it('rejects with the outcome when there is no answer', async () => {
    script.push(asked(outcome({ status: 'dismissed', source: 'person' })));
    const error = await client()
      .ask({ title: 'x', form: { fields: [] } })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotAnswered);
    expect(error).toMatchObject({ itemId: id, outcome: { status: 'dismissed' } });
  });

  it('waits on after a button was pressed, and tells the server which it has seen', async () => {
    const action = { id: 'later', text: null, at: '2026-03-01T12:00:00.000Z' };
    script.push(asked(null), json(200, outcome({ status: 'action', action })));
    script.push(json(200, outcome({ status: 'answered', values: { a: 1 }, action })));
    expect(await client().ask({ title: 'x', form: { fields: [] } })).toEqual({ a: 1 });
    expect(seen[2]?.url).toContain(`since_action=${encodeURIComponent(action.at)}`);
  });

  it('does not go on when the server says no for good', async () => {
    script.push(asked(null), problem(404, 'not_found'));
    await expect(client().ask({ title: 'x', form: { fields: [] } })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('gives a schema that fits no form back before anything is sent', async () => {
    await expect(client().ask({ title: 'x', schema: { type: 'string' } })).rejects.toThrow('does not fit a form');
    expect(seen).toHaveLength(0);
  });
});
