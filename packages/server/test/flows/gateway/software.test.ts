import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { request as askByLines } from 'node:https';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Agent, fetch as fetchBy } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../../../../scripts/open-browser.ts';
import { pinOf } from '../../../src/platform/tls/certificate-pair.ts';
import { frame, framesOf, type GrpcServer, startGrpc } from '../../support/grpc-server.ts';
import { type EventServer, startEventServer } from '../../support/mcp-events.ts';
import { ok, openWorld, type World } from '../../support/people.ts';
import { missingPrograms, startFossil, startGit, startNginx, startVite } from '../../support/real-software.ts';
import { scratchRoot } from '../../support/scratch.ts';
import { answerTo, openStreams, toLoopback } from '../../support/stream-client.ts';
import { certificateFor, testAuthority } from '../../support/tls-certificates.ts';
import { until } from '../../support/until.ts';

/* What docs/software-behind-the-gateway.md says, tried with the programs themselves. */

const run = promisify(execFile);
const missing = missingPrograms(['nginx', 'fossil', 'git']);
const directory = mkdtempSync(join(scratchRoot, 'atrium-software-'));
const slugs = ['site', 'streams', 'project', 'fossil', 'git', 'events', 'grpc', 'grpc-web'];
const served = certificateFor(['localhost', ...slugs.map((slug) => `${slug}.localhost`)], { ip: '127.0.0.1' });
const before = getCACertificates('default');
let world: World;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let port: number;
const complaints: string[] = [];
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  setDefaultCACertificates([...before, testAuthority]);
  const at = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const env = {
    ATRIUM_TLS_MODE: 'files',
    ATRIUM_TLS_CERT_FILE: at('cert.pem', served.chain),
    ATRIUM_TLS_KEY_FILE: at('key.pem', served.key),
  };
  [world, browser] = await Promise.all([
    openWorld({ env }),
    openBrowser([`--ignore-certificate-errors-spki-list=${pinOf(new X509Certificate(served.pem)).slice(7)}`]),
  ]);
  port = Number(new URL(world.url).port);
  context = await browser.newContext();
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all(stops.map((stop) => stop()));
  await world?.close();
  setDefaultCACertificates(before);
  rmSync(directory, { recursive: true, force: true });
});

type Where = 'path' | 'host';
const places: Where[] = ['path', 'host'];
/** Where the app of a slug is, without a slash at the end. */
const placeOf = (slug: string, where: Where): string =>
  where === 'path' ? `https://localhost:${port}/apps/${slug}` : `https://${slug}.localhost:${port}`;

/** One route by path and by host, and then the app answers. */
const addApp = async (slug: string, target: string, more: object = {}): Promise<void> => {
  const route = {
    ...{ mode: 'both', hosts: [`${slug}.localhost`], access: 'public', targets: [{ url: target }] },
    ...{ health: { skip: true }, ...more },
  };
  ok(await world.operator.post('/api/v1/apps', { slug, route }));
  await until(
    async () => (await fetch(`https://127.0.0.1:${port}/apps/${slug}/`, { redirect: 'manual' })).status !== 404,
    `the route of ${slug}`,
  );
};

/** No address that the browser asked for lies outside of the app. */
const staysInside = async (slug: string, where: Where, visit: () => Promise<void>): Promise<void> => {
  complaints.length = 0;
  const outside: string[] = [];
  const note = (request: { url(): string }) => {
    if (!request.url().startsWith(placeOf(slug, where)) && !request.url().startsWith('data:'))
      outside.push(request.url());
  };
  page.on('request', note);
  await visit();
  page.off('request', note);
  await page.goto('about:blank');
  expect({ outside, complaints }).toEqual({ outside: [], complaints: [] });
};
const styleOf = (selector: string): Promise<string> =>
  page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).color`);

describe.skipIf(missing.has('nginx'))('a static site of nginx', () => {
  beforeAll(async () => {
    const nginx = await startNginx();
    stops.push(nginx.stop);
    await addApp('site', `http://127.0.0.1:${nginx.port}`);
    await addApp('streams', `h2c://127.0.0.1:${nginx.streams_port}`);
  });

  it.each([
    ['site', 'path'],
    ['site', 'host'],
    ['streams', 'path'],
    ['streams', 'host'],
  ] as const)('%s, by %s: links, styles and the redirect of a folder stay with the app', async (slug, where) => {
    await staysInside(slug, where, async () => {
      await page.goto(`${placeOf(slug, where)}/`);
      expect(await styleOf('h1')).toBe('rgb(1, 2, 3)');
      // nginx answers with the host that it was asked by and with its own port.
      await page.getByText('Documents').click();
      await page.waitForURL(`${placeOf(slug, where)}/docs/`);
      expect(await page.textContent('h1')).toBe('Documents');
      expect(await styleOf('h1')).toBe('rgb(1, 2, 3)');
      await page.getByText('Start').click();
      await page.waitForURL(`${placeOf(slug, where)}/`);
    });
  });
});

describe('a development server of Vite', () => {
  let vite: Awaited<ReturnType<typeof startVite>>;
  beforeAll(async () => {
    vite = await startVite();
    stops.push(vite.stop);
    await addApp('project', `http://127.0.0.1:${vite.port}`);
  });

  it.each(places)('by %s: shows a change without being loaded again, told of by a WebSocket', async (where) => {
    vite.change('first');
    // It hears of the file a little later, and tells only who is connected by then.
    await until(
      async () => (await (await fetch(`http://127.0.0.1:${vite.port}/message.js`)).text()).includes('"first"'),
      'Vite has read the file',
    );
    await staysInside('project', where, async () => {
      const connected = new Promise<string>((done) =>
        page.once('websocket', (socket) => socket.once('framereceived', () => done(socket.url()))),
      );
      await page.goto(`${placeOf('project', where)}/`);
      await page.getByText('first', { exact: true }).waitFor();
      expect(await styleOf('#message')).toBe('rgb(4, 5, 6)');
      expect(await connected).toContain(placeOf('project', where).replace(/^https/, 'wss'));
      await page.evaluate('globalThis.stayed = true');
      vite.change(`second by ${where}`);
      await page.getByText(`second by ${where}`, { exact: true }).waitFor();
      expect(await page.evaluate('globalThis.stayed')).toBe(true);
    });
  });
});

describe.skipIf(missing.has('fossil'))('a repository of Fossil, which writes absolute addresses', () => {
  let fossil: Awaited<ReturnType<typeof startFossil>>;
  beforeAll(async () => {
    fossil = await startFossil();
    stops.push(fossil.stop);
    await addApp('fossil', `http://127.0.0.1:${fossil.port}`);
  });

  it.each(places)('by %s: pages lead to each other, and somebody signs in', async (where) => {
    await staysInside('fossil', where, async () => {
      const place = placeOf('fossil', where);
      await page.goto(`${place}/timeline`);
      expect(await page.evaluate('document.baseURI')).toContain(`${place}/`);
      await page.locator('a[href$="/login"]').first().click();
      await page.waitForURL((url) => url.href.startsWith(`${place}/login`));
      await page.fill('#u', fossil.user);
      await page.fill('#p', fossil.password);
      await page.locator('input[name=in]').click();
      await page.waitForURL((url) => url.href.startsWith(place) && !url.pathname.includes('/login'));
      await page.goto(`${place}/setup_ulist`);
      await page.getByText('tester').first().waitFor();
      expect(new URL(page.url()).href).toBe(`${place}/setup_ulist`);
    });
  });
});

describe('an MCP server that answers by events', () => {
  let events: EventServer;
  // Node knows no names below localhost.
  const agent = new Agent({ connect: { lookup: toLoopback as never, ca: testAuthority } });
  stops.push(() => agent.close());
  beforeAll(async () => {
    events = await startEventServer();
    stops.push(events.stop);
    await addApp('events', `http://127.0.0.1:${events.port}`);
  });

  it.each(places)('by %s: each event is there before the call has ended', async (where) => {
    const url = new URL(`${placeOf('events', where)}/mcp`);
    const transport = new StreamableHTTPClientTransport(url, {
      fetch: (address, init) => fetchBy(address, { ...init, dispatcher: agent } as never) as never,
    });
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(transport as never);
    const told: number[] = [];
    const call = client.callTool({ name: 'count' }, undefined, { onprogress: ({ progress }) => told.push(progress) });
    await until(() => told.length === 2, 'the events');
    events.release();
    expect((await call).content).toEqual([{ type: 'text', text: 'three' }]);
    expect(told).toEqual([1, 2]);
    await client.close();
  });
});

describe.skipIf(missing.has('git'))('git over smart HTTP', () => {
  let git: Awaited<ReturnType<typeof startGit>>;
  beforeAll(async () => {
    git = await startGit();
    stops.push(git.stop);
    await addApp('git', `http://127.0.0.1:${git.port}`, { access: 'signed_in' });
  });

  it.each(places)(
    'by %s: clones, pushes what is larger than its buffer, and is refused without a token',
    async (where) => {
      const work = join(directory, where);
      const env = { ...process.env, HOME: directory, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' };
      // Known by its key, because git as Debian builds it refuses certificates of the test authority.
      const pin = `http.pinnedPubkey=sha256//${pinOf(new X509Certificate(served.pem)).slice(7)}`;
      const common = [pin, 'http.sslVerify=false', 'user.name=T', 'user.email=t@x.org'].flatMap((one) => ['-c', one]);
      const withToken = [...common, '-c', `http.extraHeader=Authorization: Bearer ${world.operator.token}`];
      const url = `${placeOf('git', where)}/project.git`;
      await expect(run('git', [...common, 'clone', '-q', url, `${work}-stranger`], { env })).rejects.toThrow(
        /Authentication failed|could not read Username/,
      );
      const asked = async (...args: string[]) => run('git', [...withToken, '-C', work, ...args], { env });
      await run('git', [...withToken, 'clone', '-q', url, work], { env });
      const content = randomBytes(3_000_000);
      writeFileSync(join(work, `${where}.bin`), content);
      await asked('add', '.');
      await asked('commit', '-q', '-m', `By ${where}`);
      await asked('push', '-q', 'origin', 'HEAD:main');
      const again = `${work}-again`;
      await run('git', [...withToken, 'clone', '-q', url, again], { env });
      expect(readFileSync(join(again, `${where}.bin`)).equals(content)).toBe(true);
      expect(git.authorizations).toEqual(new Set([undefined]));
    },
  );
});

describe('gRPC', () => {
  let grpc: GrpcServer;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    grpc = await startGrpc();
    stops.push(grpc.stop);
    await addApp('grpc', `h2c://127.0.0.1:${grpc.port}`);
    await addApp('grpc-web', `http://127.0.0.1:${grpc.web_port}`);
    session = await openStreams(port);
    stops.push(() => session.destroy());
  });

  const open = (where: Where, method: string) =>
    session.request({
      ':method': 'POST',
      ':path': `${where === 'path' ? '/apps/grpc' : ''}/greeter.Greeter/${method}`,
      ':authority': where === 'path' ? `localhost:${port}` : `grpc.localhost:${port}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });

  it.each(places)(
    'by %s: messages go both ways while the call is open, and the outcome is in the trailers',
    async (where) => {
      const call = open(where, 'Talk');
      let trailers: object = {};
      call.on('trailers', (given) => {
        trailers = given;
      });
      let bytes: Buffer = Buffer.alloc(0);
      call.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
      });
      const heard = () => framesOf(bytes).frames.map(({ text }) => text);
      call.write(frame('Ada'));
      await until(() => heard().length === 1, 'the first answer');
      call.write(frame('Bob'));
      await until(() => heard().length === 2, 'the second answer');
      call.end();
      await once(call, 'close');
      expect([heard(), Object.fromEntries(Object.entries(trailers))]).toEqual([
        ['hello Ada', 'hello Bob'],
        { 'grpc-status': '0', 'grpc-message': 'done' },
      ]);
    },
  );

  it.each(places)('by %s: a call that fails at once has its outcome in the head', async (where) => {
    const call = open(where, 'Nothing');
    call.end(frame('x'));
    const { status, headers } = await answerTo(call);
    expect([status, headers['grpc-status'], headers['grpc-message']]).toEqual([200, '12', 'no such method']);
  });

  it.each(places)('by %s: gRPC-web over HTTP/1.1, whose outcome is the last frame', async (where) => {
    const body = await new Promise<Buffer>((done, failed) => {
      const asking = askByLines({
        ...{ host: 'localhost', port, method: 'POST', agent: false, ca: testAuthority, lookup: toLoopback as never },
        path: `${where === 'path' ? '/apps/grpc-web' : ''}/greeter.Greeter/Talk`,
        headers: {
          host: where === 'path' ? `localhost:${port}` : `grpc-web.localhost:${port}`,
          'content-type': 'application/grpc-web+proto',
          'x-grpc-web': '1',
        },
      });
      asking.on('response', async (response) => {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        done(Buffer.concat(parts));
      });
      asking.on('error', failed).end(Buffer.concat([frame('Ada'), frame('Bob')]));
    });
    expect(framesOf(body).frames).toEqual([
      { flag: 0, text: 'hello Ada' },
      { flag: 0, text: 'hello Bob' },
      { flag: 128, text: 'grpc-status: 0\r\ngrpc-message: done\r\n' },
    ]);
  });
});
