import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FirstOwner, setUp } from '../support/first-owner.ts';
import { createRestClient } from '../support/rest-client.ts';
import { childrenOf } from '../support/running-process.ts';
import { postmasterPid } from '../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const token = 'a-token-for-the-scraper';
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
let server: RunningServer;
let people: FirstOwner;
let url: string;
beforeAll(async () => {
  // 0.0.0.0, so that it can be asked from an address that is not loopback.
  server = await startServer({ env: { ATRIUM_METRICS_TOKEN: token, ATRIUM_HOST: '0.0.0.0' } });
  url = server.url.replace('0.0.0.0', '127.0.0.1');
  people = await setUp(server, () => url);
}, 60_000);
afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

const metrics = (base: string, headers: Record<string, string> = {}) => fetch(`${base}/metrics`, { headers });

describe('/metrics', () => {
  it('situation 59: is for loopback and the bearer of the token only', async () => {
    expect((await metrics(url)).status).toBe(200);
    expect((await metrics(url, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await metrics(url, { authorization: `Bearer ${people.owner.token}` })).status).toBe(401);
    // What a reverse proxy on this machine passes on is not from this machine.
    const forwarded = await metrics(url, { 'x-forwarded-for': '203.0.113.7' });
    expect(forwarded.status).toBe(401);
    expect(await forwarded.json()).toMatchObject({ code: 'unauthorized', status: 401 });
    expect((await metrics(url, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401);
    expect((await metrics(url, { 'x-forwarded-for': '203.0.113.7', authorization: `Bearer ${token}` })).status).toBe(
      200,
    );
  });

  it.runIf(outside !== undefined)('situation 59: from another address only with the token', async () => {
    const base = url.replace('127.0.0.1', outside!);
    expect((await metrics(base)).status).toBe(401);
    expect((await metrics(base, { authorization: `Bearer ${token}` })).status).toBe(200);
  });

  it('situation 59: no label holds a title, an address, a channel, an id or an unknown path', async () => {
    await people.owner.post('/api/v1/inbox/channels', { name: 'payroll-channel' });
    const item = await people.ask({ title: 'Secret-title', channel: 'payroll-channel' });
    await people.owner.get(`/api/v1/inbox/items/${item}`);
    await people.owner.get('/nowhere/secret-path?token=hidden');
    await people.owner.send('BREW', '/api/v1/inbox/items').catch(() => null);
    await people.agent.get('/api/v1/audit');
    const text = await (await metrics(url)).text();
    expect(text).toContain('route="/api/v1/inbox/items/{id}"');
    expect(text).toContain('atrium_operations_denied_total');
    for (const hidden of [
      'Secret-title',
      'payroll-channel',
      'ada@example.org',
      'secret-path',
      'hidden',
      item,
      'Claude',
    ])
      expect(text).not.toContain(hidden);
    const label = /="([^"]*)"/g;
    for (const [, value] of text.matchAll(label)) expect(value).not.toMatch(/@|[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('/health and /ready', () => {
  it('need no credential and say nothing about anybody', async () => {
    const rest = createRestClient(url);
    expect((await rest.get('/health')).body).toEqual({
      status: 'ok',
      timestamp: expect.any(String),
      version: expect.any(String),
    });
    expect((await rest.get('/ready')).body).toMatchObject({ status: 'ready' });
  });

  it('without its database the server is alive and not ready, names what is missing, and comes back by itself', async () => {
    const rest = createRestClient(url);
    const postgres = postmasterPid(server.dataDir);
    // Stopped, not ended: nobody starts another one.
    process.kill(postgres, 'SIGSTOP');
    try {
      const backends = childrenOf(postgres);
      for (const pid of backends) process.kill(pid, 'SIGSTOP');
      const answer = await until(async () => {
        const ready = await rest.get('/ready');
        return ready.status === 503 && ready;
      }, 'it is not ready');
      expect(answer.body).toMatchObject({ code: 'not_ready', failed: expect.arrayContaining(['database']) });
      expect(answer.headers.get('retry-after')).toBe('5');
      expect((await rest.get('/health')).status).toBe(200);
      for (const pid of backends) process.kill(pid, 'SIGCONT');
    } finally {
      process.kill(postgres, 'SIGCONT');
    }
    await until(async () => (await rest.get('/ready')).status === 200, 'it is ready again', 30_000);
  }, 60_000);
});
