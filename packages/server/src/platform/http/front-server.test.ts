import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { BodyDeadlines } from './body-deadlines.ts';
import { hostNameOf, OwnHosts } from './host-names.ts';
import { startTestHost } from './http-host.testkit.ts';

describe('names of hosts', () => {
  it.each([
    ['Atrium.Example.ORG:8443', 'atrium.example.org'],
    ['a.test.', 'a.test'],
    ['a.test.:80', 'a.test'],
    ['[::1]:4400', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
    ['my_app', 'my_app'],
  ])('%s is %s', (header, name) => expect(hostNameOf(header)).toBe(name));

  it.each([
    '',
    ' a',
    'a b',
    'a..b',
    '.a',
    '-a',
    'a-',
    'a:b',
    'a:',
    'a/b',
    'user@a',
    'a:80:80',
    `${'a'.repeat(64)}.b`,
    'ä.test',
    '[::1',
    'a,b',
  ])('"%s" is none', (header) => expect(hostNameOf(header)).toBeNull());

  it('its own are its public one, addresses, localhost, the machine’s and those that are set', () => {
    let extra = ['Atrium.lan', 'other.test:4400'];
    const own = new OwnHosts(
      () => 'https://home.example.org',
      () => extra,
    );
    const machine = hostname().toLowerCase();
    for (const name of [
      'home.example.org',
      'localhost',
      '10.1.2.3',
      '[fe80::1]',
      'atrium.lan',
      'other.test',
      machine,
      `${machine.split('.')[0]}.local`,
    ])
      expect(own.has(name)).toBe(true);
    for (const name of ['example.org', 'evil.test', 'localhost.evil.test', '2130706433', '0x7f.1'])
      expect(own.has(name)).toBe(false);
    extra = [];
    expect(own.has('atrium.lan')).toBe(false);
  });
});

it('a body that does not arrive in time ends its connection, an answer that takes long does not', async () => {
  const late: unknown[] = [];
  const deadlines = new BodyDeadlines(40, (request) => late.push(request));
  const request = (complete: boolean, headers: Record<string, string>) =>
    Object.assign(new EventEmitter(), { complete, destroyed: false, headers }) as unknown as IncomingMessage;
  const slow = request(false, { 'content-length': '5' });
  for (const one of [slow, request(true, { 'transfer-encoding': 'chunked' }), request(false, {})]) deadlines.watch(one);
  await expect.poll(() => late).toEqual([slow]);
  deadlines.stop();
});

it('a front door sees requests and upgrades first, and passes on what is not its own', async () => {
  const seen: string[] = [];
  const t = await startTestHost({
    options: {
      front: {
        knowsHost: (host) => host === 'app.test',
        request: (request, response, { host, address }, expects) => {
          seen.push(`${request.url} ${host} ${address} ${expects}`);
          if (host === '') return false;
          response.end('front');
          return true;
        },
        upgrade: () => false,
        drain: async () => undefined,
      },
      denied_address: (ip) => ip === '127.0.0.9',
    },
  });
  const raw = (text: string, localAddress = '127.0.0.1'): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect({ port: t.port, host: '127.0.0.1', localAddress }, () => socket.write(text));
      socket.on('data', (chunk) => {
        answer += String(chunk);
      });
      socket.on('close', () => resolve(answer));
    });
  expect(await raw('GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*front$/,
  );
  expect((await t.call('/api/v1/things')).status).toBe(200);
  expect(seen).toEqual(['/x app.test 127.0.0.1 false', '/api/v1/things  127.0.0.1 false']);
  const denied = await raw('GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n', '127.0.0.9');
  expect(denied).toMatch(/^HTTP\/1\.1 403 /);
  expect(seen).toHaveLength(2);
  const body = '{"title":"a"}';
  const continued = await raw(
    `POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(continued).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  await t.host.close();
});
