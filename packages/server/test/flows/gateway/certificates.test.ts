import { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeServer, startAcmeServer } from '../../support/acme-server.ts';
import { setUp } from '../../support/first-owner.ts';
import { freePort } from '../../support/free-port.ts';
import { makeCertificate } from '../../support/make-certificate.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { scratchRoot } from '../../support/scratch.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { certificateFor, testAuthority } from '../../support/tls-certificates.ts';
import { until } from '../../support/until.ts';

const before = getCACertificates('default');
const directory = mkdtempSync(join(scratchRoot, 'atrium-certificates-'));
const authorityFile = join(directory, 'ca.pem');
writeFileSync(authorityFile, testAuthority);
afterAll(() => setDefaultCACertificates([...before]));

/** What a handshake with the name shows. */
const shown = (port: number, servername: string): Promise<{ certificate: X509Certificate; socket: TLSSocket }> =>
  new Promise((done, fail) => {
    const socket = connect(
      { host: '127.0.0.1', port, servername, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
      () => done({ certificate: socket.getPeerX509Certificate()!, socket }),
    );
    socket.on('error', fail);
  });
const seen = async (port: number, name: string): Promise<X509Certificate> => {
  const { certificate, socket } = await shown(port, name);
  socket.destroy();
  return certificate;
};

const databaseOf = (server: RunningServer): pg.Pool =>
  new pg.Pool({ connectionString: serverDatabaseUrl(server.dataDir), max: 2 });

/** Root of the server's own authority, as an operator finds it on the page. */
const rootOf = async (pool: pg.Pool): Promise<string> =>
  (await pool.query('select certificate from gateway_certificate_authority')).rows[0].certificate;

describe('a server with an authority of its own', () => {
  let server: RunningServer;
  let pool: pg.Pool;
  let owner: RestClient;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    server = await startServer({ port, env: { ATRIUM_TLS_MODE: 'internal', ATRIUM_EXTRA_HOSTS: 'atrium.lan' } });
    pool = databaseOf(server);
    setDefaultCACertificates([...before, await rootOf(pool)]);
    const people = await setUp({ url: `https://localhost:${port}`, setupToken: server.setupToken });
    owner = createRestClient(`https://localhost:${port}`, people.owner.token);
  }, 120_000);
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
    if (server) removeDataDir(server.dataDir);
  });

  const list = async (): Promise<Json[]> => (await owner.get('/api/v1/certificates')).body.items;

  it('has a certificate for its names before it is first asked, and says where the root is', async () => {
    const [made] = await list();
    expect(made).toMatchObject({ issuer: 'internal', state: 'active', managed: true, failures: 0 });
    expect(made.names).toEqual(expect.arrayContaining(['localhost', 'atrium.lan', '127.0.0.1']));
    expect(new Date(made.renew_at).getTime()).toBeLessThan(new Date(made.not_after).getTime());
    const { body } = await owner.get('/api/v1/certificates/authority');
    const root = new X509Certificate(body.pem);
    expect(body.fingerprint).toBe(root.fingerprint256);
    expect((await seen(port, 'atrium.lan')).verify(root.publicKey)).toBe(true);
  });

  it('an unknown name gets the default certificate and never that of somebody', async () => {
    const made = await owner.post('/api/v1/certificates', { kind: 'internal', names: ['files.lan'] });
    expect(made.status).toBe(201);
    await until(async () => (await seen(port, 'files.lan')).subjectAltName === 'DNS:files.lan', 'it is served');
    expect((await seen(port, 'nobody.lan')).subjectAltName).toContain('DNS:localhost');
    const removed = await owner.delete(`/api/v1/certificates/${made.body.id}`);
    expect(removed.status).toBe(204);
    await until(async () => (await seen(port, 'files.lan')).subjectAltName!.includes('localhost'), 'it is gone');
  });

  it('G38: an upload is refused with its reason when it should not be served', async () => {
    const good = certificateFor(['media.example.org']);
    const day = 86_400_000;
    const old = certificateFor(['a.example.org'], {
      from: new Date(Date.now() - 9 * day),
      to: new Date(Date.now() - day),
    });
    const authority = makeCertificate({
      subject: { CN: 'ca' },
      authority: true,
      alternatives: { dns: 'ca.example.org' },
    });
    const upload = (chain: string, key: string) => owner.post('/api/v1/certificates', { kind: 'upload', chain, key });
    const cases: [string, string, RegExp][] = [
      [good.chain, old.key, /belongs to another certificate/],
      [old.chain, old.key, /expired on/],
      [good.pem + old.pem, good.key, /was not issued by certificate 2/],
      [authority.pem, authority.key, /of an authority/],
      ['nothing', good.key, /no certificate in PEM/],
    ];
    for (const [chain, key, reason] of cases) {
      const { status, body } = await upload(chain, key);
      expect([status, body.code, body.reason]).toEqual([422, 'certificate_unusable', expect.stringMatching(reason)]);
    }
    const missing = await owner.post('/api/v1/certificates', { kind: 'upload', chain: good.chain });
    expect([missing.status, missing.body.errors[0].path]).toEqual([422, 'key']);
  });

  it('G38: what was uploaded is served, replaced while a connection lives on, and its key is shown to nobody', async () => {
    const first = certificateFor(['media.example.org']);
    const made = await owner.post('/api/v1/certificates', { kind: 'upload', chain: first.chain, key: first.key });
    expect(made.status).toBe(201);
    const { id } = made.body;
    await until(
      async () =>
        (await seen(port, 'media.example.org')).fingerprint256 === new X509Certificate(first.pem).fingerprint256,
      'served',
    );
    const { socket } = await shown(port, 'media.example.org');
    const second = certificateFor(['media.example.org']);
    expect(
      (await owner.post(`/api/v1/certificates/${id}/replace`, { chain: second.chain, key: second.key })).status,
    ).toBe(200);
    await until(
      async () =>
        (await seen(port, 'media.example.org')).fingerprint256 === new X509Certificate(second.pem).fingerprint256,
      'replaced',
    );
    socket.write(`GET /health HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
    const head = await new Promise<string>((done) => socket.once('data', (data) => done(data.toString())));
    expect(head).toMatch(/^HTTP\/1\.1 200/);
    expect((await owner.post(`/api/v1/certificates/${id}/renew`)).body.reason).toContain('uploaded');
    const everything = JSON.stringify([
      (await owner.get(`/api/v1/certificates/${id}`)).body,
      (await owner.get('/api/v1/certificates/history')).body,
      (await owner.get('/api/v1/audit?limit=200')).body,
      (await pool.query('select * from gateway_certificates, core_events limit 2000')).rows,
      server.output(),
    ]);
    const secret = second.key.replace(/-----[^-]+-----|\s/g, '').slice(20, 80);
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain('PRIVATE KEY');
    const acts = (await owner.get(`/api/v1/certificates/history?certificate_id=${id}`)).body.items.map(
      ({ act }: Json) => act,
    );
    expect(acts).toEqual(['replaced', 'uploaded']);
  });

  it('renews on request with another key, and keeps its own for a new host name of a route', async () => {
    const [managed] = (await list()).filter((one) => one.managed);
    const renewed = await owner.post(`/api/v1/certificates/${managed.id}/renew`);
    expect(renewed.body.pin).not.toBe(managed.pin);
    expect((await owner.delete(`/api/v1/certificates/${managed.id}`)).body.code).toBe('certificate_unusable');
    const app = await owner.post('/api/v1/apps', { slug: 'notes', name: 'Notes' });
    expect(app.status).toBe(201);
    const route = await owner.post('/api/v1/routes', {
      app_id: app.body.id,
      slug: 'notes',
      mode: 'host',
      hosts: ['notes.atrium.lan'],
      targets: [{ url: 'http://127.0.0.1:9' }],
    });
    expect(route.status, JSON.stringify(route.body)).toBe(201);
    await until(
      async () => (await seen(port, 'notes.atrium.lan')).subjectAltName!.includes('notes.atrium.lan'),
      'it names the host',
    );
    const { body } = await owner.get('/api/v1/certificates/suggest');
    expect(body.mode).toBe('internal');
    expect(body.names).toContainEqual({ name: 'notes.atrium.lan', source: 'route', covered: true, public: false });
  });

  it('a member without the right learns nothing of them', async () => {
    for (const path of ['/api/v1/certificates', '/api/v1/certificates/suggest', '/api/v1/certificates/history'])
      expect((await createRestClient(`https://localhost:${port}`, 'atk_none').get(path)).status).toBe(401);
  });
});

describe('a server whose certificates an ACME authority gives', () => {
  let authority: AcmeServer;
  let server: RunningServer;
  let pool: pg.Pool;
  let ports: { http: number; tls: number };
  const name = 'atrium-house.org';

  const start = (dataDir?: string, more: Record<string, string> = {}) =>
    startServer({
      port: ports.tls,
      ...(dataDir === undefined ? {} : { dataDir }),
      env: {
        ATRIUM_TLS_MODE: 'acme',
        ATRIUM_PUBLIC_URL: `https://${name}`,
        ATRIUM_TLS_ACME_DIRECTORY: authority.directory,
        ATRIUM_TLS_ACME_EMAIL: 'ada@example.org',
        ATRIUM_TLS_REDIRECT_ADDRESS: `127.0.0.1:${ports.http}`,
        NODE_EXTRA_CA_CERTS: authorityFile,
        ...more,
      },
    });
  const row = async (): Promise<Json> =>
    (await pool.query(`select * from gateway_certificates where issuer = 'acme' order by created_at limit 1`)).rows[0];
  const served = async (): Promise<string> => (await seen(ports.tls, name)).fingerprint256;
  let owner: RestClient;
  const renewNow = async (): Promise<void> => {
    const answer = await owner.post(`/api/v1/certificates/${(await row()).id}/renew`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  };

  beforeAll(async () => {
    ports = { http: await freePort(), tls: await freePort() };
    authority = await startAcmeServer(ports);
    server = await start();
    pool = databaseOf(server);
    pool.on('error', () => {});
    setDefaultCACertificates([...before, await rootOf(pool)]);
    const people = await setUp({ url: `https://localhost:${ports.tls}`, setupToken: server.setupToken });
    owner = createRestClient(`https://localhost:${ports.tls}`, people.owner.token);
  }, 120_000);
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
    await authority?.close();
    if (server) removeDataDir(server.dataDir);
  });

  it('answers by its own authority at first, and by the ordered certificate a moment later, proved over HTTP', async () => {
    await until(async () => (await row())?.state === 'active', 'the certificate is there', 90_000);
    await until(async () => authority.issued.at(-1) === (await served()), 'it is served');
    expect(await row()).toMatchObject({
      names: [name],
      managed: true,
      failures: 0,
      order_url: null,
      issued_by: 'Test ACME root',
    });
    expect([authority.orders, authority.issued.length]).toEqual([1, 1]);
    expect((await pool.query('select count(*)::int as n from gateway_acme_challenges')).rows[0].n).toBe(0);
  }, 120_000);

  it('G55: an authority that refuses is asked again later, the old certificate stays, and the reason is kept', async () => {
    const old = await served();
    authority.mode = 'refuse';
    await renewNow();
    await until(async () => (await row()).failures === 1, 'it failed', 150_000);
    expect(await row()).toMatchObject({
      state: 'active',
      last_error: expect.stringContaining('Too many certificates'),
    });
    // The first pause after a failure is five minutes.
    expect((await row()).renew_at.getTime()).toBeGreaterThan(Date.now() + 200_000);
    expect(await served()).toBe(old);
    authority.mode = 'good';
  }, 200_000);

  it('G52: killed while the authority looks, it goes on with the same order, proved by TLS, and gets one certificate', async () => {
    authority.mode = 'stall';
    const { length } = authority.issued;
    await server.stop();
    server = await start(server.dataDir, { ATRIUM_TLS_ACME_CHALLENGE: 'tls-alpn-01' });
    await renewNow();
    await until(async () => authority.stalled === 1, 'the authority looks', 150_000);
    const { orders } = authority;
    await server.kill();
    server = await start(server.dataDir, { ATRIUM_TLS_ACME_CHALLENGE: 'tls-alpn-01' });
    authority.mode = 'good';
    await until(async () => (await row()).failures === 0 && authority.issued.length > length, 'it was given', 150_000);
    await until(async () => authority.issued.at(-1) === (await served()), 'it is served');
    expect(authority.issued.length).toBe(length + 1);
    expect(authority.orders).toBe(orders);
  }, 300_000);
});
