import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startToyServer, type ToyServer } from '../../../test/support/mcp-toys.ts';
import { EventReader, initialize, messagesOf, openSession, post } from '../../../test/support/mcp-wire.ts';
import type { McpHostOptions } from './mcp-options.ts';

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const servers: ToyServer[] = [];
const start = async (change: Partial<McpHostOptions> = {}): Promise<ToyServer> => {
  const server = await startToyServer(change);
  servers.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const listen = (url: string, headers: Record<string, string>, token = 'g'): Promise<Response> =>
  fetch(url, { headers: { ...headers, accept: 'text/event-stream', authorization: `Bearer ${token}` } });
const end = (url: string, headers: Record<string, string>, token = 'g'): Promise<Response> =>
  fetch(url, { method: 'DELETE', headers: { ...headers, authorization: `Bearer ${token}` } });

describe('sessions', () => {
  it.each(['2025-03-26', '2025-06-18', '2025-11-25'])('begin with initialize in revision %s', async (revision) => {
    const { url } = await start();
    const { id, answer, send } = await openSession(url, revision);
    expect(id).toMatch(/^[\x21-\x7e]+$/);
    expect(answer.result).toMatchObject({
      protocolVersion: revision,
      serverInfo: { name: 'atrium' },
      instructions: 'Ask people.',
    });
    const ponged = await send(ping);
    expect(ponged.headers.get('mcp-session-id')).toBe(id);
    expect(await messagesOf(ponged)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  it('offer the newest of their revisions to a client that asks for an unknown one', async () => {
    const { url } = await start();
    const [answer] = await messagesOf(await post(url, initialize('2031-01-01')));
    expect(answer!.result.protocolVersion).toBe('2025-11-25');
  });

  it('are refused without an id, with an unknown one, and with that of another principal', async () => {
    const { url } = await start();
    const { id, headers } = await openSession(url);
    expect((await post(url, ping)).status).toBe(400);
    expect((await post(url, ping, { 'mcp-session-id': randomUUID() })).status).toBe(409);
    expect(
      (await post(url, ping, { 'mcp-session-id': `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}` })).status,
    ).toBe(409);
    expect((await post(url, ping, headers, 'other')).status).toBe(409);
    expect((await listen(url, headers, 'other')).status).toBe(409);
    expect((await end(url, headers, 'other')).status).toBe(409);
    expect((await end(url, {})).status).toBe(400);
    expect((await listen(url, {})).status).toBe(400);
    expect((await post(url, ping, headers)).status).toBe(200);
  });

  it('outlive the renewal of an access token', async () => {
    const { url } = await start();
    const { headers } = await openSession(url);
    expect((await post(url, ping, headers, 'renewed')).status).toBe(200);
  });

  it('end by DELETE, after which 404 tells the client to begin anew', async () => {
    const { url, host } = await start();
    const { headers } = await openSession(url);
    expect(host.counts.sessions).toBe(1);
    expect((await end(url, headers)).status).toBe(204);
    expect(host.counts.sessions).toBe(0);
    expect((await post(url, ping, headers)).status).toBe(404);
    expect((await listen(url, headers)).status).toBe(404);
  });

  it('are over after thirty days', async () => {
    const { url, clock } = await start();
    const { headers } = await openSession(url);
    clock.advance(30 * 86_400_000 + 1);
    expect((await post(url, ping, headers)).status).toBe(404);
  });

  it('go on after the server restarted, and the client is told to read its lists again', async () => {
    const first = await start();
    const { id, headers } = await openSession(first.url, '2025-06-18', { elicitation: {} });
    await first.host.close();
    const second = await start();
    const listening = await listen(second.url, headers);
    const reader = new EventReader(listening);
    expect((await reader.next())!.method).toBe('notifications/tools/list_changed');
    expect((await reader.next())!.method).toBe('notifications/resources/list_changed');
    const call = {
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: 'toy_echo', arguments: { text: 'again' } },
    };
    const answer = await post(second.url, call, headers);
    expect(answer.headers.get('mcp-session-id')).toBe(id);
    expect((await messagesOf(answer))[0]!.result.structuredContent.text).toBe('again');
    expect(second.world.seen.at(-1)).toMatchObject({
      client_name: 'by-hand',
      client_version: '1.2.3',
      revision: '2025-06-18',
    });
    await reader.cancel();
  });

  it('still ask the person after a restart, because the id says what the client can', async () => {
    const first = await start();
    const { headers } = await openSession(first.url, '2025-06-18', { elicitation: {} });
    await first.host.close();
    const second = await start();
    const call = {
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: 'toy_ask', arguments: { question: 'Go?' } },
    };
    const reader = new EventReader(await post(second.url, call, headers));
    const question = (await reader.next())!;
    expect(question).toMatchObject({ method: 'elicitation/create', params: { message: 'Go?' } });
    const reply = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { answer: 'yes' } } };
    expect((await post(second.url, reply, headers)).status).toBe(202);
    expect((await reader.next())!.result.structuredContent).toMatchObject({ answered_in: 'client', answer: 'yes' });
  });

  it('are unknown to a server with another key', async () => {
    const first = await start();
    const { headers } = await openSession(first.url);
    const second = await start({ key: new Uint8Array(32).fill(9) });
    expect((await post(second.url, ping, headers)).status).toBe(409);
  });

  it('leave memory when idle or too many, without being lost', async () => {
    const { url, host } = await start({ limits: { sessions_per_principal: 2, sessions: 3 } });
    const opened = [await openSession(url), await openSession(url), await openSession(url)];
    expect(host.counts.sessions).toBe(2);
    await openSession(url, '2025-11-25', {}, 'other');
    await openSession(url, '2025-11-25', {}, 'reader');
    expect(host.counts.sessions).toBe(3);
    for (const session of opened) expect((await session.send(ping)).status).toBe(200);
    expect(host.counts.sessions).toBeLessThanOrEqual(3);
  });

  it('stay while something runs in them, and a new one is refused rather than one cut off', async () => {
    const { url, world } = await start({ limits: { sessions_per_principal: 1 } });
    const { send } = await openSession(url);
    const running = send({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'toy_slow', arguments: { until_released: true } },
    });
    await world.until(() => world.started.length > 0);
    expect((await post(url, initialize('2025-11-25'))).status).toBe(429);
    world.release();
    expect((await messagesOf(await running))[0]!.result.structuredContent).toEqual({ result: [1, 2, 3] });
    expect((await post(url, initialize('2025-11-25'))).status).toBe(200);
  });
});

describe('messages of a session', () => {
  it('get 202 when they are notifications or responses only', async () => {
    const { url } = await start();
    const { send } = await openSession(url);
    const answer = await send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect([answer.status, await answer.text()]).toEqual([202, '']);
    expect((await send({ jsonrpc: '2.0', id: 77, result: {} })).status).toBe(202);
  });

  it('come in batches of up to a hundred in revision 2025-03-26', async () => {
    const { url } = await start();
    const { send } = await openSession(url, '2025-03-26');
    const batch = (n: number) => Array.from({ length: n }, (_, id) => ({ ...ping, id }));
    const answers = await messagesOf(
      await send([...batch(99), { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }]),
    );
    expect(answers).toHaveLength(99);
    const refused = await send(batch(101));
    expect(refused.status).toBe(400);
    expect((await messagesOf(refused))[0]!.error.code).toBe(-32600);
    expect((await send([])).status).toBe(400);
    expect((await send([{ jsonrpc: '2.0', method: 'notifications/initialized' }])).status).toBe(202);
    expect((await post(url, [initialize('2025-03-26')])).status).toBe(400);
  });

  it.each(['2025-06-18', '2025-11-25'])('come one by one in revision %s', async (revision) => {
    const { url } = await start();
    const { send } = await openSession(url, revision);
    expect((await send([ping])).status).toBe(400);
  });

  it('are refused when their id is still in use', async () => {
    const { url, world } = await start();
    const { send } = await openSession(url);
    const running = send({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'toy_slow', arguments: { until_released: true } },
    });
    await world.until(() => world.started.length > 0);
    expect((await send(ping)).status).toBe(400);
    world.release();
    await running;
    expect((await send([ping, ping])).status).toBe(400);
  });
});

describe('long calls', () => {
  const slow = (id: number, more: object = {}) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'toy_slow', arguments: { steps: 0, until_released: true }, ...more },
  });

  it('are answered as a stream with keep-alive comments once they take long', async () => {
    const { url, world } = await start({ limits: { patience_ms: 20, keep_alive_ms: 20 } });
    const { send } = await openSession(url);
    const answer = await send(slow(1));
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = new EventReader(answer);
    expect(await reader.comment()).toBe(': keep-alive');
    world.release();
    expect((await reader.next())!.result.structuredContent).toEqual({ result: [] });
    expect(await reader.next()).toBeNull();
  });

  it('send progress while the handler is silent, ever greater', async () => {
    const { url, world } = await start({ limits: { keep_alive_ms: 15 } });
    const { send } = await openSession(url);
    const reader = new EventReader(await send(slow(1, { _meta: { progressToken: 'p' } })));
    const first = (await reader.next())!;
    const second = (await reader.next())!;
    expect(first).toMatchObject({ method: 'notifications/progress', params: { progressToken: 'p' } });
    expect(second.params!['progress']).toBeGreaterThan(first.params!['progress'] as number);
    world.release();
    while ((await reader.next())?.id !== 1);
  });

  it('stop when the client goes away', async () => {
    const { url, world } = await start({ limits: { patience_ms: 10 } });
    const { send } = await openSession(url);
    const leaving = new AbortController();
    const answer = send(slow(1), leaving.signal).catch(() => null);
    await world.until(() => world.started.length > 0);
    leaving.abort();
    await world.until(() => world.aborted.length > 0);
    await answer;
    expect((await send(slow(2, { arguments: { steps: 1 } }))).status).toBe(200);
  });

  it('stop when the client cancels, and their stream closes without an answer', async () => {
    const { url, world } = await start({ limits: { patience_ms: 10 } });
    const { send } = await openSession(url);
    const reader = new EventReader(await send(slow(1)));
    await world.until(() => world.started.length > 0);
    await send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(await reader.next()).toBeNull();
    await world.until(() => world.aborted.length > 0);
  });

  it('are told that the server stops', async () => {
    const { url, world, host } = await start({ limits: { patience_ms: 10 } });
    const { send } = await openSession(url);
    const reader = new EventReader(await send(slow(1)));
    await world.until(() => world.started.length > 0);
    await host.close();
    expect((await reader.next())!.result.content[0].text).toContain('not_ready');
    expect(await reader.next()).toBeNull();
    expect((await send(ping)).status).toBe(503);
  });
});

describe('the GET stream', () => {
  const subscribe = (uri: string) => ({ jsonrpc: '2.0', id: 9, method: 'resources/subscribe', params: { uri } });

  it('tells what changed to those who subscribed, by the name they used', async () => {
    const { url, world } = await start();
    const { headers, send } = await openSession(url);
    await send(subscribe('klaxon/open'));
    const reader = new EventReader(await listen(url, headers));
    await world.until(() => world.listeners.size === 1);
    for (const { tell } of world.listeners) {
      tell({ kind: 'toy.other', id: 'x' });
      tell({ kind: 'toy.changed', id: 'x' });
    }
    expect(await reader.next()).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri: 'klaxon/open' },
    });
    await reader.cancel();
    await world.until(() => world.listeners.size === 0);
  });

  it('replaces an earlier one, whose reader may be gone without anybody knowing', async () => {
    const { url, host } = await start();
    const { headers } = await openSession(url);
    const old = new EventReader(await listen(url, headers));
    const young = new EventReader(await listen(url, headers));
    expect(await old.next()).toBeNull();
    await host.toolsChanged();
    expect((await young.next())!.method).toBe('notifications/tools/list_changed');
    await young.cancel();
  });

  it('keeps itself alive, and ends with the credential', async () => {
    const { url, callers, clock } = await start({ limits: { keep_alive_ms: 15 } });
    const { headers } = await openSession(url);
    const caller = callers.get('g')!;
    callers.set('g', {
      ...caller,
      credential: { ...caller.credential, expires_at: new Date(clock.now().getTime() + 60) },
    });
    const reader = new EventReader(await listen(url, headers));
    expect(await reader.comment()).toBe(': keep-alive');
    expect(await reader.next()).toBeNull();
  });

  it('is limited in number and ends when its principal is withdrawn', async () => {
    const { url, host } = await start({ limits: { streams_per_principal: 1 } });
    const one = await openSession(url);
    const two = await openSession(url);
    const reader = new EventReader(await listen(url, one.headers));
    expect((await listen(url, two.headers)).status).toBe(429);
    host.endPrincipal('g');
    expect(await reader.next()).toBeNull();
    expect(host.counts).toEqual({ sessions: 0, streams: 0 });
  });
});
