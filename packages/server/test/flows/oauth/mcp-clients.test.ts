import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { McpKeeper } from '../../support/mcp-keeper.ts';
import { type OauthWorld, openOauthWorld } from '../../support/oauth-world.ts';
import type { Json } from '../../support/rest-client.ts';

let world: OauthWorld;
beforeAll(async () => {
  world = await openOauthWorld({ shared: true });
}, 120_000);
afterAll(() => world.close());

const newKeeper = () => new McpKeeper(() => world.browser(), world.person);

describe('from nothing but the address of /mcp to a tool call', () => {
  it('the v1 SDK discovers, registers, asks, and calls', async () => {
    const keeper = newKeeper();
    const transport = new OldTransport(new URL(`${world.issuer}/mcp`), { authProvider: keeper as never });
    const first = new OldClient({ name: 'v1', version: '1' });
    await expect(first.connect(transport as never)).rejects.toThrow();
    expect(keeper.code).not.toBeNull();
    await transport.finishAuth(keeper.code!);
    const client = new OldClient({ name: 'v1', version: '1' });
    await client.connect(new OldTransport(new URL(`${world.issuer}/mcp`), { authProvider: keeper as never }) as never);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('inbox_ask');
    const asked = await client.callTool({ name: 'inbox_notify', arguments: { title: 'From a client with consent' } });
    expect(asked.isError ?? false).toBe(false);
    await client.close();
    const items = await world.person.get('/api/v1/inbox/items');
    expect(items.body.items.map((item: Json) => item.title)).toContain('From a client with consent');
    expect(keeper.information.client_id).toMatch(/^reg_/);
  }, 60_000);

  it('the v2 SDK does too, in the newest revision, and renews its token by itself', async () => {
    const keeper = newKeeper();
    const open = () =>
      new StreamableHTTPClientTransport(new URL(`${world.issuer}/mcp`), { authProvider: keeper as never });
    const options = { capabilities: {}, versionNegotiation: { mode: { pin: '2026-07-28' } } } as never;
    const transport = open();
    const first = new Client({ name: 'v2', version: '2' }, options);
    await expect(first.connect(transport)).rejects.toThrow();
    expect(keeper.answer?.searchParams.get('iss')).toBe(world.issuer);
    await transport.finishAuth(keeper.answer!.searchParams as never);
    // The access token is no good any more; the refresh token is.
    keeper.kept = { ...keeper.kept, access_token: 'no-longer-good' };
    const client = new Client({ name: 'v2', version: '2' }, options);
    await client.connect(open());
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('inbox_ask');
    expect(keeper.kept.access_token).not.toBe('no-longer-good');
    await client.close();
  }, 60_000);
});

it('36: without a token /mcp says where to get one, and that document names this server', async () => {
  const refused = await fetch(`${world.issuer}/mcp`, { method: 'POST' });
  expect(refused.status).toBe(401);
  const metadata = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate')!)![1]!;
  expect(metadata).toBe(`${world.issuer}/.well-known/oauth-protected-resource/mcp`);
  const document = (await (await fetch(metadata)).json()) as Json;
  expect(document).toMatchObject({ resource: `${world.issuer}/mcp`, authorization_servers: [world.issuer] });
});

it('a tool call that needs more is answered 403 with the scopes to ask for', async () => {
  const tokens = await world.tokensFor(await world.register(), { scope: 'inbox:read' });
  const response = await fetch(`${world.issuer}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.access_token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'inbox_notify',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'inbox_notify',
        arguments: { title: 'x' },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  expect(response.status).toBe(403);
  const challenge = response.headers.get('www-authenticate')!;
  expect(challenge).toContain('error="insufficient_scope"');
  expect(challenge).toMatch(/scope="[^"]*inbox:write/);
});
