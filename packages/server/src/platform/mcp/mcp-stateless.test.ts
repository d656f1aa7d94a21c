import { afterEach, describe, expect, it } from 'vitest';
import { startToyServer, type ToyServer } from '../../../test/support/mcp-toys.ts';
import { EventReader, messagesOf, post, type Rpc } from '../../../test/support/mcp-wire.ts';
import type { McpHostOptions } from './mcp-options.ts';

const servers: ToyServer[] = [];
const start = async (change: Partial<McpHostOptions> = {}): Promise<ToyServer> => {
  const server = await startToyServer(change);
  servers.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const envelope = (capabilities: object = {}) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': capabilities,
});
const request = (method: string, params: Record<string, unknown> = {}, capabilities: object = {}, id = 1): Rpc => ({
  jsonrpc: '2.0',
  id,
  method,
  params: { ...params, _meta: envelope(capabilities) },
});
const headersOf = (method: string, name?: string) => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});
const send = (url: string, message: Rpc, token = 'g'): Promise<Response> =>
  post(
    url,
    message,
    headersOf(message.method!, (message.params?.['name'] ?? message.params?.['uri']) as string | undefined),
    token,
  );
const forms = { elicitation: { form: {} } };
const ask = (more: object = {}) =>
  request('tools/call', { name: 'toy_ask', arguments: { question: 'Go?' }, ...more }, forms);

describe('revision 2026-07-28', () => {
  it('describes the server without a session', async () => {
    const { url } = await start();
    const answer = await send(url, request('server/discover'));
    expect(answer.headers.get('mcp-session-id')).toBeNull();
    const [{ result }] = (await messagesOf(answer)) as [Rpc];
    expect(result).toMatchObject({
      supportedVersions: ['2026-07-28'],
      instructions: 'Ask people.',
      resultType: 'complete',
    });
    expect(result.capabilities).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
    });
  });

  it('wants the headers that repeat the message', async () => {
    const { url } = await start();
    const call = request('tools/call', { name: 'toy_echo', arguments: { text: 'hi' } });
    expect((await post(url, call, headersOf('tools/call', 'toy_echo'))).status).toBe(200);
    expect((await post(url, call, headersOf('tools/call'))).status).toBe(400);
    expect((await post(url, call, headersOf('tools/call', 'toy_fail'))).status).toBe(400);
    expect((await post(url, call, headersOf('tools/list', 'toy_echo'))).status).toBe(400);
    expect((await post(url, [call], headersOf('tools/call', 'toy_echo'))).status).toBe(400);
  });

  it('answers an input round that another server process began', async () => {
    const first = await start();
    const [{ result }] = (await messagesOf(await send(first.url, ask()))) as [Rpc];
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { answer: { method: 'elicitation/create', params: { message: 'Go?' } } },
    });
    const second = await start();
    second.world.items.push(...first.world.items);
    const retry = ask({
      requestState: result.requestState,
      inputResponses: { answer: { action: 'accept', content: { answer: 'yes' } } },
    });
    const [answer] = await messagesOf(await send(second.url, retry));
    expect(answer!.result.structuredContent).toEqual({ item: 'item-1', answered_in: 'client', answer: 'yes' });
  });

  it('asks again when the client comes back without an answer', async () => {
    const { url, world } = await start();
    const [{ result }] = (await messagesOf(await send(url, ask()))) as [Rpc];
    const [again] = await messagesOf(await send(url, ask({ requestState: result.requestState })));
    expect(again!.result.resultType).toBe('input_required');
    expect(world.items).toHaveLength(1);
  });

  it('refuses a state that was changed, that belongs to another principal, or that is of another tool', async () => {
    const { url, world } = await start();
    const [{ result }] = (await messagesOf(await send(url, ask()))) as [Rpc];
    const retry = (requestState: string) =>
      ask({ requestState, inputResponses: { answer: { action: 'accept', content: { answer: 'yes' } } } });
    expect((await messagesOf(await send(url, retry(`${result.requestState}x`))))[0]!.error.code).toBe(-32602);
    expect((await messagesOf(await send(url, retry(result.requestState), 'other')))[0]!.error.code).toBe(-32602);
    expect(world.items[0]!.closed).toBe(false);
  });

  it('takes no answer that came without its state', async () => {
    const { url, world } = await start();
    const unasked = ask({ inputResponses: { answer: { action: 'accept', content: { answer: 'yes' } } } });
    const [answer] = await messagesOf(await send(url, unasked));
    expect(answer!.result.resultType).toBe('input_required');
    expect(world.items[0]!.closed).toBe(false);
  });

  it('streams keep-alives during a long silent call, and stops it when the client goes away', async () => {
    const { url, world } = await start({ limits: { patience_ms: 10, keep_alive_ms: 10 } });
    const slow = request('tools/call', { name: 'toy_slow', arguments: { until_released: true } });
    const answer = await send(url, slow);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = new EventReader(answer);
    expect(await reader.comment()).toBe(': keep-alive');
    await reader.cancel();
    await world.until(() => world.aborted.length > 0);
    const finished = new EventReader(await send(url, slow));
    world.release();
    expect((await finished.next())!.result.structuredContent).toEqual({ result: [1, 2, 3] });
    expect(await finished.next()).toBeNull();
  });
});

describe('subscriptions/listen', () => {
  const listen = request('subscriptions/listen', {
    notifications: { toolsListChanged: true, resourceSubscriptions: ['atrium://toy/open'] },
  });

  it('tells each stream the events of its own caller', async () => {
    const { url, world, host } = await start();
    const mine = new EventReader(await send(url, listen));
    const others = new EventReader(await send(url, listen, 'other'));
    expect((await mine.next())!.method).toBe('notifications/subscriptions/acknowledged');
    expect((await others.next())!.method).toBe('notifications/subscriptions/acknowledged');
    for (const { caller, tell } of world.listeners) if (caller.id === 'g') tell({ kind: 'toy.changed', id: 'x' });
    expect((await mine.next())!.method).toBe('notifications/resources/updated');
    await host.toolsChanged();
    expect((await others.next())!.method).toBe('notifications/tools/list_changed');
    await mine.cancel();
    await others.cancel();
    await world.until(() => world.listeners.size === 0);
    expect(host.counts.streams).toBe(0);
  });

  it('is limited in number and ends when its principal is withdrawn or the server stops', async () => {
    const { url, host } = await start({ limits: { streams_per_principal: 1 } });
    const mine = new EventReader(await send(url, listen));
    await mine.next();
    const refused = await send(url, listen);
    expect(refused.status).toBe(429);
    const others = new EventReader(await send(url, listen, 'other'));
    await others.next();
    host.endPrincipal('g');
    expect(await mine.next()).toBeNull();
    await host.close();
    for (let last = await others.next(); last !== null; last = await others.next()) expect(last.id).toBe(1);
  });
});
