import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/support/free-port.ts';
import { type GateDoor, openGateDoor } from '../../../../test/support/gate-door.ts';
import { makeRoute } from '../../../../test/support/make-gate.ts';
import { makeOrg, type TestOrg } from '../../../../test/support/make-org.ts';
import { until } from '../../../../test/support/until.ts';
import { originalOf } from './verify-endpoints.ts';

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));

/** The lines that docs/gate.md gives. */
const configuration = (port: number, gate: string, app: number, folder: string) => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / {
      auth_request /_atrium;
      auth_request_set $atrium_user $upstream_http_x_atrium_user;
      auth_request_set $atrium_email $upstream_http_x_atrium_email;
      auth_request_set $atrium_groups $upstream_http_x_atrium_groups;
      auth_request_set $atrium_assertion $upstream_http_x_atrium_assertion;
      auth_request_set $atrium_location $upstream_http_x_atrium_location;
      auth_request_set $atrium_cookie $upstream_http_set_cookie;
      auth_request_set $atrium_status $upstream_http_x_atrium_status;
      proxy_set_header X-Atrium-User $atrium_user;
      proxy_set_header X-Atrium-Email $atrium_email;
      proxy_set_header X-Atrium-Groups $atrium_groups;
      proxy_set_header X-Atrium-Assertion $atrium_assertion;
      proxy_set_header Host $http_host;
      error_page 401 = @signin;
      error_page 403 = @refused;
      proxy_pass http://127.0.0.1:${app};
    }
    location = /_atrium {
      internal;
      proxy_pass ${gate}/auth/verify?server=nginx;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Forwarded-Method $request_method;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
    location @signin { add_header Set-Cookie $atrium_cookie always; if ($atrium_location) { return 303 $atrium_location; } return 401; }
    location @refused { if ($atrium_status = 404) { return 404; } return 403; }
  }
}`;

let door: GateDoor;
let org: TestOrg<'Ada'>;
let keys: Record<'right' | 'other' | 'foreign', string>;
let app: Server;
let proxy: ChildProcess | null = null;
let folder: string;
let port: number;
const reached: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  door = await openGateDoor({ trusted_proxies: ['127.0.0.1'] });
  org = await makeOrg(door.identity, { members: { Ada: {} } });
  const foreign = await makeOrg(door.identity);
  door.routes.set(makeRoute({ org_id: org.id, slug: 'notes' }), 'notes.example.org');
  door.routes.set(makeRoute({ org_id: org.id, slug: 'wiki', access: 'public' }), 'wiki.example.org');
  const keyOf = async (call: TestOrg['owner']['call'], scope: string) =>
    (await door.identity.services.keys.create(call, { name: 'k', scopes: [scope as never], expires_in_days: null }))
      .api_key;
  keys = {
    right: await keyOf(org.members.Ada.call, 'access:notes'),
    other: await keyOf(org.members.Ada.call, 'access:other'),
    foreign: await keyOf(foreign.owner.call, 'access:*'),
  };
  app = createServer((asked, answer) => {
    reached.push(asked.headers);
    answer.end('from the app');
  });
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  folder = mkdtempSync(join(tmpdir(), 'atrium-nginx-'));
  port = await freePort();
  const gate = door.origin.replace('localhost', '127.0.0.1');
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(port, gate, (app.address() as { port: number }).port, folder));
  if (nginx === undefined) throw new Error('nginx is not installed; this test needs the package nginx-light');
  proxy = spawn(nginx, ['-c', file, '-p', folder], { stdio: 'ignore' });
  await until(
    () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      ),
    'nginx answers',
  );
  reached.length = 0;
});
afterAll(async () => {
  proxy?.kill('SIGTERM');
  app.close();
  await door.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

const ask = (
  to: { port: number; path: string; from?: string; method?: string },
  headers: Record<string, string>,
): Promise<Answer> =>
  new Promise((done, fail) => {
    const sent = request(
      { host: '127.0.0.1', port: to.port, path: to.path, method: to.method ?? 'GET', headers, localAddress: to.from },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        answer.on('end', () => done({ status: answer.statusCode!, headers: answer.headers, text }));
      },
    );
    sent.on('error', fail);
    sent.end();
  });

const viaNginx = (headers: Record<string, string>, path = '/board?x=1') =>
  ask({ port, path }, { host: 'notes.example.org', ...headers });
const direct = (headers: Record<string, string>, from?: string, query = '') =>
  ask(
    { port: Number(new URL(door.origin).port), path: `/auth/verify${query}`, ...(from === undefined ? {} : { from }) },
    headers,
  );

describe('G22: nginx in front of an app', () => {
  it('lets in whom the gate lets in, and tells the app who it is, whatever the client says', async () => {
    const answer = await viaNginx({
      ...{ authorization: `Bearer ${keys.right}`, 'x-atrium-user': 'somebody else', 'x-atrium-assertion': 'forged' },
    });
    expect(answer).toMatchObject({ status: 200, text: 'from the app' });
    expect(reached.at(-1)).toMatchObject({
      'x-atrium-user': org.members.Ada.id,
      'x-atrium-assertion': expect.stringMatching(/^ey[\w-]+\.ey[\w-]+\.[\w-]+$/),
    });
    expect((await viaNginx({ 'x-api-key': keys.right })).status).toBe(200);
  });

  it('answers 401, 403 and 404 as the gate would, and the app hears nothing of it', async () => {
    const before = reached.length;
    expect((await viaNginx({})).status).toBe(401);
    expect((await viaNginx({ authorization: `Bearer atk_${'x'.repeat(43)}` })).status).toBe(401);
    expect((await viaNginx({ authorization: `Bearer ${keys.other}` })).status).toBe(403);
    expect((await viaNginx({ authorization: `Bearer ${keys.foreign}` })).status).toBe(404);
    expect((await viaNginx({ authorization: `Bearer ${keys.right}`, host: 'unknown.example.org' })).status).toBe(404);
    expect(reached.length).toBe(before);
    expect((await viaNginx({ host: 'wiki.example.org' })).status).toBe(200);
  });

  it('sends a browser to sign in, and back to where it was', async () => {
    const answer = await viaNginx({ accept: 'text/html', 'sec-fetch-mode': 'navigate' });
    expect(answer.status).toBe(303);
    const location = new URL(answer.headers.location!);
    expect(location.origin + location.pathname).toBe(`${door.origin}/auth/gate`);
    expect(answer.headers['set-cookie']![0]).toMatch(/^atrium_browser=/);
    expect(location.searchParams.get('to')).toBe('http://notes.example.org/board?x=1');
  });
});

describe('G22: forward-auth', () => {
  const parts = (headers: Record<string, string> = {}) => ({
    ...{ 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'notes.example.org' },
    ...{ 'x-forwarded-uri': '/board', authorization: `Bearer ${keys.right}`, ...headers },
  });

  it('takes the parts that Traefik and Caddy send, from a trusted proxy alone', async () => {
    const answer = await direct(parts());
    expect(answer).toMatchObject({ status: 200, headers: { 'x-atrium-user': org.members.Ada.id } });
    const stranger = await direct(parts(), '127.0.0.2');
    expect(stranger.status).not.toBe(200);
    expect(Object.keys(stranger.headers).filter((name) => name.startsWith('x-atrium-'))).toEqual([]);
  });

  it('answers by problem documents and redirects where the proxy passes them on', async () => {
    const refused = await direct(parts({ authorization: `Bearer ${keys.other}` }));
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      403,
      { code: 'insufficient_scope', required: 'access:notes' },
    ]);
    expect((await direct(parts({ authorization: `Bearer ${keys.foreign}` }))).status).toBe(404);
    const nobody = await direct(parts({ authorization: `Bearer atk_${'x'.repeat(43)}` }));
    expect([nobody.status, nobody.headers['www-authenticate']]).toEqual([401, expect.stringContaining('/apps/notes')]);
    const { authorization: _none, ...browser } = parts({ accept: 'text/html' });
    const sent = await direct(browser);
    expect([sent.status, sent.headers.location]).toEqual([
      303,
      expect.stringContaining('/auth/gate?to=https%3A%2F%2Fnotes'),
    ]);
    expect(sent.headers['set-cookie']![0]).toMatch(/^__Host-atrium_browser=.*; Secure$/);
  });

  it('leaves the path of mailed links to them', async () => {
    expect((await direct({}, undefined, '?token=unknown')).status).toBe(410);
  });
});

describe('what a proxy says it was asked', () => {
  it.each([
    [{ 'x-original-url': 'https://a.example:8443/x/../y?z=%2e' }, ['GET', 'https', 'a.example:8443', '/x/../y?z=%2e']],
    [{ 'x-original-url': 'http://a.example' }, ['GET', 'http', 'a.example', '/']],
    [
      {
        'x-forwarded-method': 'PUT',
        'x-forwarded-proto': 'wss',
        'x-forwarded-host': 'a.example',
        'x-forwarded-uri': '/x',
      },
      ['PUT', 'https', 'a.example', '/x'],
    ],
    [{ 'x-forwarded-host': 'a.example', 'x-original-url': '/x' }, ['GET', 'http', 'a.example', '/x']],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-uri': 'x' }, null],
    [{ 'x-forwarded-uri': '/x' }, null],
    [{ 'x-forwarded-method': 'get it', 'x-forwarded-host': 'a.example', 'x-forwarded-uri': '/x' }, null],
  ])('in %j', (headers, expected) => {
    const original = originalOf(headers);
    expect(original === null ? null : [original.method, original.scheme, original.authority, original.url]).toEqual(
      expected,
    );
  });
});
