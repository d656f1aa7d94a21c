import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/clock.ts';
import { createAddressGuard, type Resolve } from './address-guard.ts';
import { createCircuitBreakers } from './circuit-breaker.ts';
import { createGuardedFetch, type GuardedFetch, type GuardOptions } from './guarded-fetch.ts';

let server: Server;
let port: number;
let requests = 0;
const open: GuardedFetch[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests += 1;
    if (request.url === '/redirect') return response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
    if (request.url === '/hang') return;
    if (request.url === '/broken') return response.writeHead(503).end();
    if (request.url === '/long') return response.end('x'.repeat(5000));
    response.end(`${request.method} ${request.headers.host}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const guarded of open.splice(0)) await guarded.close();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const make = (options: GuardOptions = {}): GuardedFetch => {
  const guarded = createGuardedFetch(options);
  open.push(guarded);
  return guarded;
};

describe('the address guard', () => {
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '198.18.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '::127.0.0.1',
    'fe80::1%eth0',
    'nonsense',
    '',
  ])('refuses %s', (address) => {
    expect(createAddressGuard()(address)).toBe(false);
  });

  it.each(['93.184.216.34', '2606:2800:220:1::1', '::ffff:93.184.216.34'])('lets %s pass', (address) => {
    expect(createAddressGuard()(address)).toBe(true);
  });

  it('lets pass what is listed, and nothing beside it', () => {
    const guard = createAddressGuard(['10.1.0.0/16', '::1']);
    expect(['10.1.2.3', '::ffff:10.1.2.3', '::1', '10.2.0.1', '127.0.0.1'].map(guard)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('an outbound request', () => {
  const allow = ['127.0.0.1'];

  it.each([
    'http://127.0.0.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://2130706433',
    'http://0x7f.1',
    'http://localhost',
  ])('to %s is refused before anything is sent', async (origin) => {
    const before = requests;
    await expect(make()(`${origin}:${port}/`)).rejects.toMatchObject({ reason: 'refused' });
    expect(requests).toBe(before);
  });

  it.each(['ftp://example.org/', 'file:///etc/passwd', 'http://u:p@example.org/', 'nonsense'])(
    'to %s is refused',
    async (url) => {
      await expect(make()(url)).rejects.toMatchObject({ reason: 'refused' });
    },
  );

  it('connects to the address that was checked, under the name that was asked for', async () => {
    const asked: string[] = [];
    const resolve: Resolve = async (host) => {
      asked.push(host);
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const answer = await make({ allow, resolve })(`http://hook.example:${port}/`, { method: 'POST', body: 'x' });
    expect(answer).toMatchObject({ status: 200, truncated: false });
    expect(answer.body.toString()).toBe(`POST hook.example:${port}`);
    expect(asked).toEqual(['hook.example']);
  });

  it('is refused when the name changes to a private address after an earlier check', async () => {
    const answers = ['93.184.216.34', '127.0.0.1'];
    const resolve: Resolve = async () => [{ address: answers.shift() ?? '127.0.0.1', family: 4 }];
    // A check made by the caller, as one might do when the address is saved.
    expect(createAddressGuard()((await resolve('rebind.example'))[0]!.address)).toBe(true);
    const before = requests;
    await expect(make({ resolve })(`http://rebind.example:${port}/`)).rejects.toMatchObject({ reason: 'refused' });
    expect(requests).toBe(before);
  });

  it('is refused when only one of several addresses is private', async () => {
    const resolve: Resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    await expect(make({ resolve })('http://mixed.example/')).rejects.toMatchObject({ reason: 'refused' });
  });

  it('does not follow redirects', async () => {
    const answer = await make({ allow })(`http://127.0.0.1:${port}/redirect`);
    expect(answer).toMatchObject({ status: 302, headers: { location: 'http://127.0.0.1/' } });
  });

  it('ends after its time, by its signal and at its size', async () => {
    const guarded = make({ allow });
    await expect(guarded(`http://127.0.0.1:${port}/hang`, { timeout_ms: 30 })).rejects.toMatchObject({
      reason: 'timeout',
    });
    await expect(guarded(`http://127.0.0.1:${port}/hang`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'failed',
    });
    await expect(guarded(`http://127.0.0.1:${port}/long`, { max_bytes: 100 })).rejects.toMatchObject({
      reason: 'too_large',
    });
    const cut = await guarded(`http://127.0.0.1:${port}/long`, { max_bytes: 100, overflow: 'truncate' });
    expect([cut.body.length, cut.truncated]).toEqual([100, true]);
  });
});

describe('an origin that fails', () => {
  it('is left alone after five failures in a row and asked again half a minute later', async () => {
    const clock = new ManualClock('2026-01-01T00:00:00Z');
    const guarded = make({ allow: ['127.0.0.1'], breakers: createCircuitBreakers(clock) });
    const origin = `http://127.0.0.1:${port}`;
    for (let n = 0; n < 5; n++) expect((await guarded(`${origin}/broken`)).status).toBe(503);
    const before = requests;
    await expect(guarded(`${origin}/`)).rejects.toMatchObject({ reason: 'unavailable' });
    expect(requests).toBe(before);
    clock.advance(30_000);
    expect((await guarded(`${origin}/`)).status).toBe(200);
    expect((await guarded(`${origin}/`)).status).toBe(200);
    expect((await guarded(`${origin}/`)).status).toBe(200);
  });

  it('is not blamed for what the guard refuses or the caller gives up', async () => {
    const guarded = make({ breakers: createCircuitBreakers(new ManualClock('2026-01-01T00:00:00Z')) });
    for (let n = 0; n < 8; n++)
      await expect(guarded(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ reason: 'refused' });
    const open = make({ allow: ['127.0.0.1'] });
    for (let n = 0; n < 8; n++)
      await expect(open(`http://127.0.0.1:${port}/hang`, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect((await open(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });
});
