import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startToyServer, type ToyServer } from '../../../test/support/mcp-toys.ts';
import { messagesOf, openSession, type Rpc } from '../../../test/support/mcp-wire.ts';

let server: ToyServer;
let session: Awaited<ReturnType<typeof openSession>>;
beforeAll(async () => {
  server = await startToyServer();
  session = await openSession(server.url, '2025-11-25');
});
afterAll(() => server.close());

let last = 0;
const ask = async (method: string, params?: object, from = session): Promise<Rpc> =>
  (await messagesOf(await from.send({ jsonrpc: '2.0', id: ++last, method, ...(params && { params }) })))[0]!;
const call = (name: string, args: object = {}, from = session) => ask('tools/call', { name, arguments: args }, from);

describe('tools/list', () => {
  it('holds what the caller may use, without aliases', async () => {
    const names = (answer: Rpc) => answer.result.tools.map((tool: { name: string }) => tool.name);
    expect(names(await ask('tools/list'))).toEqual(['toy_echo', 'toy_slow', 'toy_ask', 'toy_fail']);
    const reader = await openSession(server.url, '2025-11-25', {}, 'reader');
    expect(names(await ask('tools/list', undefined, reader))).toEqual(['toy_echo', 'toy_slow']);
  });

  it('comes in pages', async () => {
    const paged = await startToyServer({ limits: { page: 3 } });
    const { send } = await openSession(paged.url);
    const [first] = await messagesOf(await send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }));
    expect(first!.result.tools).toHaveLength(3);
    const params = { cursor: first!.result.nextCursor };
    const [second] = await messagesOf(await send({ jsonrpc: '2.0', id: 2, method: 'tools/list', params }));
    expect(second!.result.tools).toHaveLength(1);
    expect(second!.result.nextCursor).toBeUndefined();
    const [wrong] = await messagesOf(
      await send({ jsonrpc: '2.0', id: 3, method: 'tools/list', params: { cursor: 'x' } }),
    );
    expect(wrong!.error.code).toBe(-32602);
    await paged.close();
  });

  it('says of each tool whether it reads, destroys or may be repeated', async () => {
    const { result } = await ask('tools/list');
    expect(result.tools[0].annotations).toEqual({
      title: 'Echo',
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    });
    expect(result.tools[3].annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
  });
});

describe('tools/call', () => {
  it('answers one text with JSON and the same as structured content', async () => {
    const { result } = await call('toy_echo', { text: 'hi', tags: ['a'] });
    expect(result.content).toHaveLength(1);
    expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
    expect(result.structuredContent).toMatchObject({ text: 'hi', tags: ['a'], count: null });
  });

  it('accepts an alias that is not listed', async () => {
    expect((await call('klaxon.echo', { text: 'old' })).result.structuredContent.text).toBe('old');
    expect(server.world.seen.at(-1)).toMatchObject({
      tool: 'toy_echo',
      client_name: 'by-hand',
      client_version: '1.2.3',
      revision: '2025-11-25',
    });
  });

  it('understands lists, objects, numbers and booleans sent as JSON strings', async () => {
    const args = { text: 'hi', tags: '["a","b"]', count: '3', loud: 'true', options: '{"deep":"[1,2]"}' };
    expect((await call('toy_echo', args)).result.structuredContent).toEqual({
      text: 'hi',
      tags: ['a', 'b'],
      count: 3,
      loud: true,
      deep: [1, 2],
    });
  });

  it('tells wrong arguments as a tool error that names path and message', async () => {
    const { result } = await call('toy_echo', { text: '', tags: ['a', 7], shout: 1 });
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toContain('- text: ');
    expect(result.content[0].text).toContain('- tags.1: ');
    expect(result.content[0].text).toContain('shout');
    expect(result._meta['atrium/error']).toMatchObject({ code: 'validation_failed', status: 422 });
  });

  it('answers -32601 for a tool that does not exist, and does not count it as one', async () => {
    const before = server.world.seen.length;
    expect((await call('toy_nothing')).error).toMatchObject({ code: -32601 });
    expect(server.world.seen).toHaveLength(before);
  });

  it('names the scope or permission that is missing', async () => {
    const reader = await openSession(server.url, '2025-11-25', {}, 'reader');
    const scope = await call('toy_ask', { question: '?' }, reader);
    expect(scope.result.isError).toBe(true);
    expect(scope.result.content[0].text).toContain('insufficient_scope: The token lacks the scope inbox:write.');
    expect((await call('toy_administer')).result._meta['atrium/error'].required).toBe('org:admin');
  });

  it('gives a refusal of the service to the model, with what it knows', async () => {
    const { result } = await call('toy_fail', { how: 'closed' });
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toBe('item_closed: Ann answered first.\n{"answered_by":"Ann"}');
  });

  it('answers -32002 for a limit of the plan and -32003 for too many calls', async () => {
    expect((await call('toy_fail', { how: 'limit' })).error).toEqual({
      code: -32002,
      message: 'No notifications left.',
      data: { code: 'plan_limit_exceeded', limit: 'monthly_notifications' },
    });
    expect((await call('toy_fail', { how: 'rate' })).error).toMatchObject({
      code: -32003,
      data: { reason: 'rate_limited', retry_after_ms: 7000 },
    });
  });

  it('hides what nobody expected behind the request id', async () => {
    const { result } = await call('toy_fail', { how: 'bug' });
    expect(JSON.stringify(result)).not.toContain('secret');
    const logged = server.world.logged.at(-1) as { request_id: string };
    expect(result.content[0].text).toContain(logged.request_id);
  });

  it('counts metered tools only', async () => {
    let left = 1;
    server.world.meter = async () => ({ allowed: left-- > 0, retry_after_ms: 1234 });
    expect((await call('toy_echo', { text: 'one' })).result).toBeDefined();
    expect((await call('toy_echo', { text: 'two' })).error).toMatchObject({
      code: -32003,
      data: { reason: 'rate_limited', retry_after_ms: 1234 },
    });
    expect((await call('toy_slow', { steps: 0 })).result.structuredContent).toEqual({ result: [] });
    server.world.meter = async () => ({ allowed: true, retry_after_ms: 0 });
  });
});

describe('the rest of the protocol', () => {
  it('answers ping and a log level, and -32601 for the unknown', async () => {
    expect((await ask('ping')).result).toEqual({});
    expect((await ask('logging/setLevel', { level: 'debug' })).result).toEqual({});
    expect((await ask('prompts/list')).error.code).toBe(-32601);
    expect((await ask('nothing/such')).error.code).toBe(-32601);
  });

  it('lists and reads resources, also by an older name', async () => {
    expect((await ask('resources/list')).result.resources[0]).toMatchObject({
      uri: 'atrium://toy/open',
      mimeType: 'application/json',
    });
    expect((await ask('resources/templates/list')).result.resourceTemplates[0].uriTemplate).toBe(
      'atrium://toy/item/{id}',
    );
    const { result } = await ask('resources/read', { uri: 'klaxon/open' });
    expect(JSON.parse(result.contents[0].text)).toEqual({ open: 1, reader: 'g' });
  });

  it('does not tell an invisible resource from one that does not exist', async () => {
    const invisible = await ask('resources/read', { uri: 'atrium://toy/item/7' });
    const unknown = await ask('resources/read', { uri: 'atrium://toy/nope/7' });
    expect(invisible.error.code).toBe(-32602);
    expect(unknown.error.code).toBe(invisible.error.code);
    expect((await ask('resources/subscribe', { uri: 'atrium://toy/item/7' })).error.code).toBe(-32602);
  });
});

describe('tools of a source', () => {
  it('follow those of the operations, which nobody can shadow', async () => {
    const tool = (name: string) => ({ name, inputSchema: { type: 'object' as const } });
    const withSource = await startToyServer({
      sources: [
        {
          list: (caller) => (caller.id === 'g' ? [tool('other__search'), tool('toy_echo')] : []),
          call: async (_call, name) =>
            name === 'other__search' ? { content: [{ type: 'text', text: 'found' }] } : null,
        },
      ],
    });
    const mine = await openSession(withSource.url, '2025-11-25');
    expect((await ask('tools/list', undefined, mine)).result.tools.map((t: { name: string }) => t.name)).toEqual([
      'toy_echo',
      'toy_slow',
      'toy_ask',
      'toy_fail',
      'other__search',
    ]);
    expect((await call('other__search', {}, mine)).result.content[0].text).toBe('found');
    expect((await call('toy_nothing', {}, mine)).error.code).toBe(-32601);
    await withSource.close();
  });
});
