import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startConnectionTrap } from '../../support/connection-trap.ts';
import { McpKeeper } from '../../support/mcp-keeper.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { type OauthWorld, openOauthWorld, pkce, redirect } from '../../support/oauth-world.ts';
import { password } from '../../support/people.ts';
import { testCertificate } from '../../support/test-certificate.ts';

const surroundings = createMovedClock();
let world: OauthWorld;
let site: Server;
let origin: string;
let fetched: string[];
let answer: (path: string, response: ServerResponse) => void;

beforeAll(async () => {
  site = createServer(testCertificate, (request, response) => {
    response.on('error', () => {});
    fetched.push(request.url!);
    answer(request.url!, response);
  });
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
  origin = `https://localhost:${(site.address() as { port: number }).port}`;
  const ca = join(mkdtempSync(join(tmpdir(), 'atrium-test-')), 'ca.pem');
  writeFileSync(ca, testCertificate.cert);
  world = await openOauthWorld({
    env: { ...surroundings.env, NODE_EXTRA_CA_CERTS: ca, ATRIUM_OAUTH_ALLOW_PRIVATE: '127.0.0.1/32' },
  });
}, 120_000);
afterAll(async () => {
  site.close();
  await world.close();
});

const metadata = (id: string, more: Record<string, unknown> = {}) => ({
  client_id: id,
  client_name: 'Atrium',
  redirect_uris: [redirect],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  ...more,
});
const serve =
  (of: (id: string) => unknown): typeof answer =>
  (path, response) =>
    void response
      .setHeader('content-type', 'application/json')
      .setHeader('cache-control', 'max-age=600')
      .end(JSON.stringify(of(`${origin}${path}`)));

beforeEach(() => {
  fetched = [];
  answer = serve((id) => metadata(id));
});

const refusedPage = async (id: string) => {
  const page = await world.browser().get(world.authorizeUrl(id, pkce().challenge));
  expect(page.status).toBe(400);
  return page.text;
};

it('43: a client that is a document signs people in, and consent shows its host above its name', async () => {
  const id = `${origin}/apps/one.json`;
  const browser = world.browser();
  const login = await browser.get(world.authorizeUrl(id, pkce().challenge));
  const consent = await browser.submit(login, { email: world.person.email, password });
  expect(consent.text).toContain(`<span class="host">${new URL(origin).host}</span> asks for access`);
  expect(consent.text).toContain('It calls itself <strong>Atrium</strong>');
  expect(consent.text).toContain('Unverified.');
  const rows = () => world.database.query('select client_id from oauth_client_documents where client_id = $1', [id]);
  expect((await rows()).rowCount).toBe(0);
  const tokens = await world.tokensFor(id);
  expect(tokens.refresh_token).toBeTypeOf('string');
  expect((await rows()).rowCount).toBe(1);
  expect(fetched.filter((path) => path === '/apps/one.json')).toHaveLength(1);
  const apps = (await world.person.get('/api/v1/me/grants')).body.items;
  expect(apps[0].client).toMatchObject({ client_id: id, host: new URL(origin).host, verified: false });
});

it('41: a document about another client, with a secret, or with privileged scopes is refused', async () => {
  for (const [path, more] of [
    ['/other.json', { client_id: 'https://elsewhere.example/client.json' }],
    ['/none.json', { client_id: undefined }],
    ['/secret.json', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['/posted.json', { token_endpoint_auth_method: 'client_secret_post' }],
    ['/holds.json', { client_secret: 'a secret for everybody to read' }],
    ['/admin.json', { scope: 'org:admin' }],
    ['/own.json', { grant_types: ['client_credentials'] }],
  ] as const) {
    answer = serve((id) => metadata(id, more));
    expect([path, await refusedPage(`${origin}${path}`)]).toEqual([
      path,
      expect.stringContaining('invalid_client_metadata'),
    ]);
  }
  answer = serve((id) => metadata(id));
  expect((await world.tokensFor(`${origin}/right.json`)).refresh_token).toBeTypeOf('string');
});

/** Kilobytes that the server holds, where the system tells. */
const residentKb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.server.pid}/status`, 'utf8'))![1]);

describe('40: a document that does not end well', () => {
  it('is let go after 64 KiB, however large it is, and memory stays', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const total = 10 * 1024 * 1024;
    answer = (_path, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      let left = total;
      const go = () => {
        while (left > 0 && !response.destroyed) {
          left -= chunk.length;
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', go);
        }
        response.end();
      };
      go();
    };
    expect(await refusedPage(`${origin}/large-first.json`)).toContain('invalid_client');
    const before = residentKb();
    sent = 0;
    const times = 8;
    for (let n = 0; n < times; n += 1)
      expect(await refusedPage(`${origin}/large-${n}.json`)).toContain('invalid_client');
    expect(fetched.length).toBeGreaterThan(times);
    // What stands in the buffers of the two sockets is lost; the rest was never sent.
    expect(sent).toBeLessThan((fetched.length * total) / 2);
    expect(residentKb() - before).toBeLessThan(40 * 1024);
  });

  it('is let go within five seconds when it comes byte by byte', async () => {
    let [bytes, closed] = [0, 0];
    answer = (_path, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => {
        bytes += 1;
        response.write(' ');
      }, 1000);
      response.on('close', () => {
        closed += 1;
        clearInterval(drip);
      });
    };
    const began = performance.now();
    expect(await refusedPage(`${origin}/slow.json`)).toContain('invalid_client');
    expect(performance.now() - began).toBeLessThan(5000);
    await expect.poll(() => closed).toBe(fetched.length);
    expect(bytes).toBeLessThanOrEqual(5);
  });

  it('is not followed to http, nor to anywhere else', async () => {
    const trap = await startConnectionTrap();
    for (const location of [
      `http://127.0.0.1:${trap.port}/x.json`,
      `https://localhost:${trap.port}/x.json`,
      '/y.json',
    ]) {
      fetched = [];
      answer = (_path, response) => void response.writeHead(302, { location }).end();
      const path = `/moved-${encodeURIComponent(location).length}.json`;
      expect(await refusedPage(`${origin}${path}`)).toContain('invalid_client');
      expect(new Set(fetched)).toEqual(new Set([path]));
    }
    expect(trap.connections()).toBe(0);
    trap.close();
  });
});

it('39: a name that resolved to an allowed address, and then to another, is refused as it is connected to', async () => {
  const trap = await startConnectionTrap();
  // Another loopback address, to which this server may not connect, at the same port.
  const inside = await startConnectionTrap('127.0.0.2', trap.port);
  const id = (path: string) => `https://rebinding.example:${trap.port}${path}`;
  surroundings.name('rebinding.example', '127.0.0.1');
  await refusedPage(id('/before.json'));
  expect(trap.connections()).toBeGreaterThan(0);
  const before = trap.connections();
  surroundings.name('rebinding.example', '127.0.0.2');
  expect(await refusedPage(id('/after.json'))).toContain('invalid_client');
  expect(await refusedPage(id('/before.json'))).toContain('invalid_client');
  expect([inside.connections(), inside.received(), trap.connections()]).toEqual([0, 0, before]);
  trap.close();
  inside.close();
});

describe('an MCP client that is a document, from nothing but the address of /mcp to a tool call', () => {
  const keeperOf = (path: string) => new McpKeeper(() => world.browser(), world.person, `${origin}${path}`);

  it('the v1 SDK discovers, names its document, asks, and calls', async () => {
    const keeper = keeperOf('/sdk-one.json');
    const open = () => new OldTransport(new URL(`${world.issuer}/mcp`), { authProvider: keeper as never });
    const transport = open();
    await expect(new OldClient({ name: 'v1', version: '1' }).connect(transport as never)).rejects.toThrow();
    await transport.finishAuth(keeper.code!);
    const client = new OldClient({ name: 'v1', version: '1' });
    await client.connect(open() as never);
    const called = await client.callTool({ name: 'inbox_notify', arguments: { title: 'From a document' } });
    expect(called.isError ?? false).toBe(false);
    await client.close();
    expect(keeper.information.client_id).toBe(`${origin}/sdk-one.json`);
    const items = (await world.person.get('/api/v1/inbox/items')).body.items as { title: string }[];
    expect(items.map(({ title }) => title)).toContain('From a document');
  }, 60_000);

  it('the v2 SDK does too, in the newest revision', async () => {
    const keeper = keeperOf('/sdk-two.json');
    const open = () =>
      new StreamableHTTPClientTransport(new URL(`${world.issuer}/mcp`), { authProvider: keeper as never });
    const options = { capabilities: {}, versionNegotiation: { mode: { pin: '2026-07-28' } } } as never;
    const transport = open();
    await expect(new Client({ name: 'v2', version: '2' }, options).connect(transport)).rejects.toThrow();
    await transport.finishAuth(keeper.answer!.searchParams as never);
    const client = new Client({ name: 'v2', version: '2' }, options);
    await client.connect(open());
    const called = await client.callTool({ name: 'inbox_notify', arguments: { title: 'From another document' } });
    expect(called.isError ?? false).toBe(false);
    await client.close();
    expect(keeper.information.client_id).toBe(`${origin}/sdk-two.json`);
    const registered = await world.database.query("select 1 from oauth_clients where origin = 'registered'");
    expect(registered.rowCount).toBe(0);
  }, 60_000);
});
