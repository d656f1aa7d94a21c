import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeOrg } from '../../../test/support/make-inbox.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { accessTokensStore } from './stores/access-tokens-store.ts';
import { approvalsStore } from './stores/approvals-store.ts';
import { artefactsStore } from './stores/artefacts-store.ts';
import { clientDocumentsStore } from './stores/client-documents-store.ts';
import { type ClientDraft, clientsStore } from './stores/clients-store.ts';
import { sweepOauth } from './sweeps.ts';

const dayMs = 86_400_000;
let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const draft = (client_id: string, origin: ClientDraft['origin']): ClientDraft => ({
  ...{
    id: newId(),
    client_id,
    origin,
    name: client_id,
    metadata: {},
    secret_hash: null,
    secret_sealed: null,
    secret_prefix: null,
  },
  ...{ secret_expires_at: null, jwks: null, jwks_uri: null, auth_method: 'none', grant_types: ['authorization_code'] },
  ...{ redirect_uris: ['http://127.0.0.1/cb'], scopes: [], allowed_resources: [], allowed_actors: [] },
  ...{ require_state: false, dpop_required: false, skip_consent: false, org_id: null, owner_id: null },
  ...{ created_by: null, enabled: true },
});

it('46: registered clients nobody allowed go after a day, unused ones after thirty; those of operators stay', async () => {
  const db = test.database.read;
  const ids = async () =>
    (await test.pool.query('select client_id from oauth_clients order by 1')).rows.map((r) => r.client_id);
  for (const [id, origin] of [
    ['a-new', 'registered'],
    ['b-allowed', 'registered'],
    ['c-operator', 'operator'],
  ] as const)
    await clientsStore.insert(db, draft(id, origin), test.clock.now());
  await clientsStore.markConsented(db, 'b-allowed', test.clock.now());
  test.clock.advance(dayMs - 1000);
  await sweepOauth(test.database, test.clock);
  expect(await ids()).toEqual(['a-new', 'b-allowed', 'c-operator']);
  test.clock.advance(2000);
  await sweepOauth(test.database, test.clock);
  expect(await ids()).toEqual(['b-allowed', 'c-operator']);
  test.clock.advance(30 * dayMs);
  await sweepOauth(test.database, test.clock);
  expect(await ids()).toEqual(['c-operator']);
});

it('tokens to manage a registered client stay as long as it does, and go with it', async () => {
  const db = test.database.read;
  const keep = (id_hash: string, client_id: string) =>
    artefactsStore.upsert(db, 'RegistrationAccessToken', {
      ...{ id_hash, payload: {}, grant_id: null, uid: null, user_code: null, client_id, subject: null },
      expires_at: new Date('9999-12-31T00:00:00Z'),
    });
  const client = draft('managed', 'registered');
  await clientsStore.insert(db, client, test.clock.now());
  await keep('of-managed', 'managed');
  await keep('of-gone', 'gone');
  const left = async () =>
    (await test.pool.query('select id_hash from oauth_registration_tokens order by 1')).rows.map((r) => r.id_hash);
  test.clock.advance(dayMs / 2);
  await sweepOauth(test.database, test.clock);
  expect(await left()).toEqual(['of-managed']);
  await clientsStore.delete(db, client.id);
  await sweepOauth(test.database, test.clock);
  expect(await left()).toEqual([]);
});

it('42, hole 5: at most so many documents are kept; the one used least recently goes, then those unused for thirty days', async () => {
  const db = test.database.read;
  for (let count = 0; count < 6; count += 1) {
    const client_id = `https://app-${count}.example/client.json`;
    await clientDocumentsStore.keep(
      db,
      { client_id, host: `app-${count}.example`, metadata: {}, digest: 'd' },
      5,
      test.clock.now(),
    );
    test.clock.advance(1000);
  }
  const left = async () =>
    (await test.pool.query('select host from oauth_client_documents order by 1')).rows.map((r) => r.host);
  expect(await left()).toEqual(['app-1.example', 'app-2.example', 'app-3.example', 'app-4.example', 'app-5.example']);
  test.clock.advance(31 * dayMs);
  await sweepOauth(test.database, test.clock);
  expect(await left()).toEqual([]);
});

it('86: hundreds of thousands of expired rows go in batches, in bounded runs, while live tokens are used all along', {
  tags: ['long'],
  timeout: 60_000,
}, async () => {
  const db = test.database.read;
  const now = test.clock.now();
  const [past, future] = [new Date(now.getTime() - 2 * 3_600_000), new Date(now.getTime() + 3_600_000)];
  const [expired, live] = [120_000, 2000];
  const fill = (count: number, name: string, expires: Date) =>
    Promise.all([
      test.pool.query(
        `insert into oauth_refresh_tokens (id_hash, payload, client_id, subject, expires_at)
         select $1 || n, '{"kind":"RefreshToken","scope":"inbox:read"}', 'c', 's', $2 from generate_series(1, $3::int) n`,
        [name, expires, count],
      ),
      test.pool.query(
        `insert into oauth_access_tokens (id, hash, format, kind, client_id, subject, scopes, created_at, expires_at)
         select gen_random_uuid(), $1 || n, 'jwt', 'AccessToken', 'c', 's', '{inbox:read}', $2, $2 from generate_series(1, $3::int / 2) n`,
        [name, expires, count],
      ),
      test.pool.query(
        `insert into oauth_replays (issuer, jti_hash, kind, expires_at)
         select 'i', $1 || n, 'dpop', $2 from generate_series(1, $3::int / 6) n`,
        [name, expires, count],
      ),
      test.pool.query(
        `insert into oauth_revocations (kind, value, before, created_at, expires_at)
         select 'jti', $1 || n, $2, $2, $2 from generate_series(1, $3::int / 20) n`,
        [name, expires, count],
      ),
    ]);
  await Promise.all([fill(expired, 'gone-', past), fill(live, 'live-', future)]);
  const left = async () =>
    (
      await test.pool.query(
        `select (select count(*) from oauth_refresh_tokens)::int as refresh, (select count(*) from oauth_access_tokens)::int as access,
           (select count(*) from oauth_replays)::int as replays, (select count(*) from oauth_revocations)::int as revocations`,
      )
    ).rows[0];

  // What a token request does with its rows: it spends one and writes one.
  let uses = 0;
  let sweeping = true;
  const user = (async () => {
    for (let n = 1; sweeping; n = (n % (live / 2)) + 1) {
      await artefactsStore.consume(db, 'RefreshToken', `live-${n}`, now);
      expect(await artefactsStore.find(db, 'RefreshToken', `live-${n}`, now)).not.toBeNull();
      expect(await accessTokensStore.find(db, `live-${n}`, now)).not.toBeNull();
      uses += 1;
    }
  })();
  await sweepOauth(test.database, test.clock);
  // Twenty batches of five thousand a table and run: a backlog of any size leaves the database to others in between.
  const kept = { access: live / 2, replays: Math.floor(live / 6), revocations: live / 20 };
  expect(await left()).toEqual({ refresh: expired - 100_000 + live, ...kept });
  await sweepOauth(test.database, test.clock);
  sweeping = false;
  await user;
  expect(await left()).toEqual({ refresh: live, ...kept });
  expect(uses).toBeGreaterThan(20);
});

it('approvals are known for an hour beyond their end, so that who polls hears of it', async () => {
  const db = test.database.read;
  const org = await makeOrg(test.pool);
  const now = test.clock.now();
  const ask = (seconds: number) =>
    approvalsStore.insert(db, {
      ...{ id: newId(), id_hash: newId(), kind: 'transaction', client_id: 'shop', org_id: org.id, subject: newId() },
      ...{ details: [], scopes: [], resources: [], binding_message: null, created_at: now },
      expires_at: new Date(now.getTime() + seconds * 1000),
    });
  await ask(300);
  await ask(600);
  const left = async () => (await test.pool.query('select from oauth_approvals')).rowCount;
  test.clock.advance(3_600_000 + 299_000);
  await sweepOauth(test.database, test.clock);
  expect(await left()).toBe(2);
  test.clock.advance(2000);
  await sweepOauth(test.database, test.clock);
  expect(await left()).toBe(1);
});

it('97: two operators who edit one client: the second is told, and no setting is lost', async () => {
  const db = test.database.read;
  const made = draft('edited', 'operator');
  await clientsStore.insert(db, made, test.clock.now());
  expect(await clientsStore.update(db, made.id, 1, { name: 'First' }, test.clock.now())).toBe(true);
  expect(await clientsStore.update(db, made.id, 1, { require_state: true }, test.clock.now())).toBe(false);
  expect(await clientsStore.byId(db, made.id)).toMatchObject({ name: 'First', require_state: false, version: 2 });
});
