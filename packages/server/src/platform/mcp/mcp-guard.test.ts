import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startToyServer, type ToyServer } from '../../../test/support/mcp-toys.ts';
import { initialize, mcpHeaders, messagesOf, openSession, post } from '../../../test/support/mcp-wire.ts';

let server: ToyServer;
beforeAll(async () => {
  server = await startToyServer({ allowed_hosts: ['atrium.example'] });
});
afterAll(() => server.close());

/** `fetch` does not let a test choose its Host. */
const statusWith = (headers: Record<string, string>, method = 'POST'): Promise<{ status: number; cors: unknown }> =>
  new Promise((resolve, reject) => {
    const sent = request(
      server.url,
      { method, headers: { ...mcpHeaders, authorization: 'Bearer g', ...headers } },
      (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode!, cors: answer.headers['access-control-allow-origin'] });
      },
    );
    sent.on('error', reject);
    sent.end(method === 'POST' ? JSON.stringify(initialize('2025-11-25')) : undefined);
  });

describe('the door of /mcp', () => {
  it('answers 401 with the address of its metadata when no credential came', async () => {
    const answer = await fetch(server.url, { method: 'POST', headers: mcpHeaders, body: '{}' });
    expect(answer.status).toBe(401);
    const origin = new URL(server.url).origin;
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect((await messagesOf(answer))[0]).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { data: { code: 'unauthorized' } },
    });
  });

  it('says that a token is invalid, on every method', async () => {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await fetch(server.url, { method, headers: { ...mcpHeaders, authorization: 'Bearer nobody' } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
  });

  it('refuses hosts and origins that are not its own', async () => {
    expect((await statusWith({ host: 'evil.example.com' })).status).toBe(403);
    expect((await statusWith({ origin: 'http://evil.example.com' })).status).toBe(403);
    expect((await statusWith({ origin: 'null' })).status).toBe(403);
    expect((await statusWith({ host: '127.0.0.1.evil.example.com' })).status).toBe(403);
    expect((await statusWith({ host: 'atrium.example:4400' })).status).toBe(200);
    expect((await statusWith({ host: '192.0.2.7:4400' })).status).toBe(200);
    expect((await statusWith({ host: '[::1]:4400' })).status).toBe(200);
    expect((await statusWith({ host: '192.0.2.7:4400', origin: 'http://192.0.2.7:4400' })).status).toBe(200);
    expect((await statusWith({ host: '192.0.2.7:4400', origin: 'http://192.0.2.8:4400' })).status).toBe(403);
  });

  it('lets a page of an allowed origin in, its preflight included', async () => {
    expect(await statusWith({ origin: 'http://localhost:6274' })).toEqual({
      status: 200,
      cors: 'http://localhost:6274',
    });
    expect(await statusWith({ origin: 'http://localhost:6274' }, 'OPTIONS')).toEqual({
      status: 204,
      cors: 'http://localhost:6274',
    });
    expect((await statusWith({ origin: 'https://evil.example.com' }, 'OPTIONS')).status).toBe(403);
  });

  it('answers in JSON-RPC what Fastify would answer by itself', async () => {
    const broken = await post(server.url, '{"jsonrpc":');
    expect(broken.status).toBe(400);
    expect((await messagesOf(broken))[0]!.error.code).toBe(-32700);
    const wrongType = await post(server.url, initialize('2025-11-25'), { 'content-type': 'text/plain' });
    expect(wrongType.status).toBe(415);
    expect((await messagesOf(wrongType))[0]!.jsonrpc).toBe('2.0');
    const large = await post(server.url, { ...initialize('2025-11-25'), padding: 'x'.repeat(4 * 1024 * 1024) });
    expect(large.status).toBe(413);
    expect((await messagesOf(large))[0]!.jsonrpc).toBe('2.0');
    const envelope = await post(server.url, { id: 1, method: 'ping' });
    expect(envelope.status).toBe(400);
    expect((await messagesOf(envelope))[0]!.error.code).toBe(-32600);
  });

  it('knows no other method, and HEAD ends nothing', async () => {
    const { headers, send } = await openSession(server.url);
    for (const method of ['HEAD', 'PUT', 'PATCH']) {
      const answer = await fetch(server.url, { method, headers: { ...headers, authorization: 'Bearer g' } });
      expect(answer.status).toBe(404);
    }
    expect((await send({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(200);
  });

  it('wants both answer types accepted where sessions are spoken', async () => {
    expect((await post(server.url, initialize('2025-11-25'), { accept: 'application/json' })).status).toBe(406);
    expect((await post(server.url, initialize('2025-11-25'), { accept: '*/*' })).status).toBe(200);
    const { headers } = await openSession(server.url);
    const listening = await fetch(server.url, {
      headers: { ...headers, authorization: 'Bearer g', accept: 'application/json' },
    });
    expect(listening.status).toBe(406);
  });

  it('refuses a revision it does not speak, in the header of either era', async () => {
    const { id } = await openSession(server.url);
    const call = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expect((await post(server.url, call, { 'mcp-session-id': id, 'mcp-protocol-version': '1999-01-01' })).status).toBe(
      400,
    );
    const modern = await post(server.url, call, { 'mcp-protocol-version': '2026-07-28' });
    expect(modern.status).toBe(400);
    const get = await fetch(server.url, {
      headers: { authorization: 'Bearer g', 'mcp-protocol-version': '2026-07-28' },
    });
    expect(get.status).toBe(405);
  });
});

describe('scope challenges', () => {
  it('ask an OAuth client for more when they are switched on, naming what it holds as well', async () => {
    const strict = await startToyServer({ scope_challenge: true });
    try {
      const { send } = await openSession(strict.url, '2025-06-18', {}, 'reader');
      const answer = await send({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'toy_ask', arguments: { question: '?' } },
      });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
      expect(answer.headers.get('www-authenticate')).toContain('scope="inbox:read inbox:write"');
    } finally {
      await strict.close();
    }
  });
});
