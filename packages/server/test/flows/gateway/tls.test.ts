import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openBrowser } from '../../../../../scripts/open-browser.ts';
import { pinOf } from '../../../src/platform/tls/certificate-pair.ts';
import { freePort } from '../../support/free-port.ts';
import { ok, openWorld, type Person, password, type World } from '../../support/people.ts';
import { runServer } from '../../support/run-server.ts';
import { scratchRoot } from '../../support/scratch.ts';
import { answerTo, ask, headOf, openStreams, shakeHands } from '../../support/stream-client.ts';
import { certificateFor, testAuthority } from '../../support/tls-certificates.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);
const directory = mkdtempSync(join(scratchRoot, 'atrium-tls-'));
const at = (name: string): string => join(directory, name);
const names = ['localhost', 'notes.localhost'];
const served = certificateFor(names, { ip: '127.0.0.1' });
const files = { ATRIUM_TLS_MODE: 'files', ATRIUM_TLS_CERT_FILE: at('cert.pem'), ATRIUM_TLS_KEY_FILE: at('key.pem') };

const write = (name: string, text: string): string => {
  writeFileSync(at(`${name}.new`), text);
  renameSync(at(`${name}.new`), at(name));
  return at(name);
};
const store = ({ chain, key }: { chain: string; key: string }): void => {
  write('cert.pem', chain);
  write('key.pem', key);
};

const configure = (cert: string, key: string): string =>
  write('atrium.yaml', `tls: { mode: files, cert_file: ${at(cert)}, key_file: ${at(key)} }\n`);

describe('a start with files that cannot be served', () => {
  const start = (env: Record<string, string>) =>
    runServer({ cwd: directory, env: { ATRIUM_TLS_MODE: 'files', ...env } });
  const good = certificateFor(['localhost']);
  const day = 86_400_000;

  it('is refused with status 78 and a sentence about each setting', async () => {
    const [cert, key] = [write('a.pem', good.chain), write('a.key', good.key)];
    const old = certificateFor(['localhost'], { from: new Date(Date.now() - 9 * day), to: new Date(Date.now() - day) });
    const cases: [Record<string, string>, RegExp][] = [
      [{}, /ATRIUM_TLS_CERT_FILE is needed because ATRIUM_TLS_MODE is files[\s\S]*ATRIUM_TLS_KEY_FILE is needed/],
      [
        { ATRIUM_TLS_CERT_FILE: cert, ATRIUM_TLS_KEY_FILE: write('b.key', certificateFor(['localhost']).key) },
        /ATRIUM_TLS_KEY_FILE names .*b\.key, which belongs to another certificate/,
      ],
      [
        { ATRIUM_TLS_CERT_FILE: write('old.pem', old.chain), ATRIUM_TLS_KEY_FILE: write('old.key', old.key) },
        /ATRIUM_TLS_CERT_FILE names .*old\.pem, which expired on \d{4}-\d\d-\d\d/,
      ],
      [
        { ATRIUM_TLS_CERT_FILE: cert, ATRIUM_TLS_KEY_FILE: key, ATRIUM_PUBLIC_URL: 'http://atrium.example.org' },
        /ATRIUM_PUBLIC_URL must begin with https:\/\/ because ATRIUM_TLS_MODE is files/,
      ],
    ];
    const starts = cases.map(async ([env, sentence]) => ({ sentence, ...(await start(env)) }));
    for (const { sentence, code, output } of await Promise.all(starts)) {
      expect([code, output]).toEqual([78, expect.stringMatching(sentence)]);
      expect(output).not.toContain('PRIVATE KEY');
    }
  });
});

describe('a started server with a certificate', () => {
  let world: World;
  let owner: Person;
  let app: Server;
  let port: number;
  let redirectPort: number;
  let session: ClientHttp2Session;
  let browser: Browser;
  /** Ends the slow answer of the app. */
  let finish = (): void => undefined;
  const before = getCACertificates('default');

  beforeAll(async () => {
    setDefaultCACertificates([...before, testAuthority]);
    store(served);
    port = await freePort();
    app = createServer((request, response) => {
      if (request.url === '/slow') {
        response.write('begun ');
        finish = () => response.end('ended');
        return;
      }
      response.setHeader('content-type', 'text/html');
      response.end(`<title>The app</title><p id="seen">${request.headers['x-forwarded-proto']}</p>`);
    }).listen(0, '127.0.0.1');
    await once(app, 'listening');
    configure('cert.pem', 'key.pem');
    const env = { ATRIUM_CONFIG: at('atrium.yaml'), ATRIUM_TLS_REDIRECT_ADDRESS: '127.0.0.1:0' };
    [world, browser] = await Promise.all([
      openWorld({ port, web: true, env }),
      openBrowser([`--ignore-certificate-errors-spki-list=${pinOf(new X509Certificate(served.pem)).slice(7)}`]),
    ]);
    owner = world.operator;
    redirectPort = Number(/"redirect_port":(\d+)/.exec(world.server.output())![1]);
    const route = {
      targets: [{ url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` }],
      health: { skip: true },
    };
    const made = ok(await owner.post('/api/v1/apps', { slug: 'notes', route }));
    ok(await owner.send('PATCH', `/api/v1/routes/${made.routes[0].id}`, { mode: 'both', hosts: ['notes.localhost'] }));
    session = await openStreams(port);
    const bearer = { authorization: `Bearer ${owner.token}`, ':authority': 'notes.localhost' };
    await until(async () => (await ask(session, '/', bearer)).status === 200, 'the app');
  }, 180_000);
  afterAll(async () => {
    setDefaultCACertificates(before);
    await browser?.close();
    session?.destroy();
    await world?.close();
    app?.closeAllConnections();
    app?.close();
  });

  it('says that it is at https, also in the links that it makes', () => {
    expect(world.server.output()).toContain(`Open       https://localhost:${port}\n`);
    expect(world.server.output()).toContain(`Set up     https://localhost:${port}/setup`);
    expect(world.url).toBe(`https://127.0.0.1:${port}`);
  });

  it('signs in over HTTP/2 with a cookie for https alone, and binds browsers to https', async () => {
    const body = JSON.stringify({ email: owner.email, password });
    const answer = await ask(session, '/auth/login', { ':method': 'POST', 'content-type': 'application/json' }, body);
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']![0]).toMatch(/^atrium_session=.*; Secure/);
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=31536000/);
    const configuration = JSON.parse((await ask(session, '/.well-known/openid-configuration')).text);
    expect(configuration.issuer).toBe(`https://localhost:${port}`);
  });

  it('serves MCP and token requests over HTTP/2', async () => {
    const agent = ok(await owner.post('/api/v1/agents', { name: 'Bot', scopes: ['inbox:read'] }));
    const form = new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: agent.client_id, client_secret: agent.client_secret },
      ...{ resource: `https://localhost:${port}/mcp`, scope: 'inbox:read' },
    });
    const token = await ask(
      session,
      '/oauth/token',
      { ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' },
      form.toString(),
    );
    expect(token.status).toBe(200);
    const message = {
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    };
    const answer = await ask(
      session,
      '/mcp',
      {
        ...{ ':method': 'POST', 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        authorization: `Bearer ${JSON.parse(token.text).access_token}`,
      },
      JSON.stringify(message),
    );
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"serverInfo"')]);
  });

  it('answers its own socket over TLS', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'auth', token: owner.token }));
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({ type: 'ready' });
    socket.close();
  });

  it('sends plain HTTP to https at both addresses, and lets probes of this machine ask for its health', async () => {
    const at80 = await fetch(`http://127.0.0.1:${redirectPort}/inbox?x=1`, { redirect: 'manual' });
    expect([at80.status, at80.headers.get('location')]).toEqual([308, `https://127.0.0.1:${port}/inbox?x=1`]);
    const same = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' });
    expect([same.status, same.headers.get('location')]).toEqual([308, `https://127.0.0.1:${port}/`]);
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).json()).toMatchObject({ status: 'ok' });
  });

  it('is asked for its health by a command that needs no certificate, and by its address with one to trust', async () => {
    const program = 'src/health-main.ts';
    const env = { ...files, ATRIUM_PORT: String(port) };
    expect(await runServer({ env, cwd: directory, program })).toMatchObject({ code: 0 });
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: write('ca.pem', testAuthority) };
    const [known, unknown] = await Promise.all(
      [trusting, env].map((one) =>
        runServer({ env: one, cwd: directory, program, args: [`https://localhost:${port}`] }),
      ),
    );
    expect([known!.code, unknown!.code]).toEqual([0, 1]);
    expect(unknown!.output).toContain('does not answer');
  });

  it('is spoken to by curl over HTTP/2 and over HTTP/1.1', async () => {
    const curl = async (version: string) => {
      const args = ['-sS', version, '--cacert', write('ca.pem', testAuthority), '-w', ' %{http_version}'];
      return (await run('curl', [...args, `https://localhost:${port}/health`])).stdout;
    };
    expect(await curl('--http2')).toMatch(/"status":"ok".* 2$/);
    expect(await curl('--http1.1')).toMatch(/"status":"ok".* 1\.1$/);
  });

  it('tells devices that join by which key they know it again', async () => {
    const { qr } = ok(await owner.post('/api/v1/devices/pairings', { name: 'Phone' }));
    const answer = ok(
      await world.anonymous.post('/auth/pair', { code: qr.c }, { headers: { 'x-pairing-request': 'true' } }),
    );
    expect(answer.spki_pins).toEqual([served.pem, testAuthority].map((pem) => pinOf(new X509Certificate(pem))));
    expect(qr.u).toBe(`https://localhost:${port}`);
  });

  it('lets a person sign in with a browser, over HTTP/2, and open an app by path and by host', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    const origin = `https://localhost:${port}`;
    const live = page.waitForEvent('websocket');
    await page.goto(`${origin}/sign-in`);
    await page.fill('[name=email]', owner.email);
    await page.fill('[name=password]', password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(/\/inbox/);
    expect((await live).url()).toBe(`wss://localhost:${port}/ws`);
    const protocol = () => page.evaluate<string>("performance.getEntriesByType('navigation')[0].nextHopProtocol");
    await page.goto(`${origin}/apps/notes/`);
    expect([await page.textContent('#seen'), await protocol()]).toEqual(['https', 'h2']);
    await page.goto(`https://notes.localhost:${port}/`);
    await page.waitForSelector('#seen');
    expect([new URL(page.url()).origin, await protocol()]).toEqual([`https://notes.localhost:${port}`, 'h2']);
    const cookies = await context.cookies(`https://notes.localhost:${port}`);
    expect(cookies.find(({ name }) => name === '__Host-atrium_app')).toMatchObject({ secure: true, httpOnly: true });
    await context.close();
  });

  it('G55: serves a certificate that takes the place of another without dropping a connection, and none that is broken', async () => {
    const shown = async () => {
      const socket = await shakeHands(port, { servername: 'localhost' });
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return raw;
    };
    write('cert.pem', 'nothing of the kind');
    await until(() => world.server.output().includes('a changed certificate cannot be served'), 'the refusal');
    expect((await shown()).equals(served.der)).toBe(true);
    const next = certificateFor(names, { ip: '127.0.0.1' });
    store(next);
    await until(async () => (await shown()).equals(next.der), 'the new certificate');
    expect((await ask(session, '/health')).status).toBe(200);
    expect(world.server.output()).not.toContain('PRIVATE KEY');
    const third = certificateFor(names, { ip: '127.0.0.1' });
    write('third.pem', third.chain);
    write('third.key', third.key);
    configure('third.pem', 'third.key');
    await until(async () => (await shown()).equals(third.der), 'the certificate of other files');
    configure('cert.pem', 'key.pem');
    store(served);
    await until(async () => (await shown()).equals(served.der), 'the old certificate');
  });

  it('G61: a download over HTTP/2 gets its end after SIGTERM, new connections are refused, and it exits with 0', async () => {
    const bearer = { authorization: `Bearer ${owner.token}` };
    const stream = session.request({ ':path': '/apps/notes/slow', ...bearer });
    const answer = answerTo(stream);
    await headOf(stream);
    const told = once(session, 'goaway');
    const gone = world.server.stop();
    await told;
    await expect(shakeHands(port)).rejects.toThrow();
    finish();
    expect((await answer).text).toBe('begun ended');
    expect(await gone).toBe(0);
  });
});
