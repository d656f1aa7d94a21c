import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { signEntry } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileCache } from '../../support/compile-cache.ts';
import { diaryAgent, give, invite, makeDiary, write } from '../../support/diary-scene.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { type Agent, ok } from '../../support/people.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { openServerDatabase } from '../../support/server-database.ts';
import { startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

let world: KeyWorld;
let [owner, reader, former]: Agent[] = [];
let author: KeyedAgent;
const folder = mkdtempSync(join(tmpdir(), 'atrium-test-backup-'));
const target = mkdtempSync(join(tmpdir(), 'atrium-test-restored-'));

beforeAll(async () => {
  world = await openKeyWorld();
  [owner, reader, former] = [
    await diaryAgent(world.org, 'Owner'),
    await diaryAgent(world.org, 'Reader'),
    await diaryAgent(world.org, 'Former'),
  ];
  author = await world.agent();
}, 600_000);
afterAll(async () => {
  await world.close();
  for (const one of [folder, target]) rmSync(one, { recursive: true, force: true });
});

const entry = resolve(import.meta.dirname, '../../../src/backup-main.ts');
const run = (args: readonly string[], dataDir: string) =>
  promisify(execFile)(process.execPath, [entry, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ATRIUM_DATA_DIR: dataDir, ...compileCache },
  });

const signing = '/api/v1/crypto/signing-requests';

/** Rows that name one which is not there. No foreign key says so of these. */
const dangling: [what: string, statement: string][] = [
  [
    'tuple of no diary',
    "select from diary_tuples t where namespace = 'Diary' and not exists (select from diary_diaries d where d.id = t.object_id)",
  ],
  [
    'tuple of no entry',
    "select from diary_tuples t where namespace = 'DiaryEntry' and not exists (select from diary_entries e where e.id = t.object_id and e.diary_id = t.subject_id)",
  ],
  [
    'entry without a tuple',
    "select from diary_entries e where deleted_at is null and not exists (select from diary_tuples t where t.object_id = e.id and t.relation = 'parent')",
  ],
  [
    'entry without its newest version',
    'select from diary_entries e where not exists (select from diary_entry_revisions r where r.entry_id = e.id and r.version = e.version)',
  ],
  [
    'accepted share without a tuple, or a tuple without one',
    `select from diary_shares s full join (select * from diary_tuples where relation in ('readers', 'writers')) t
     on t.object_id = s.diary_id and t.subject_id = s.shared_with where (s.status is not distinct from 'accepted') <> (t.object_id is not null)`,
  ],
  [
    'registered agent without its diary',
    "select from identity_agent_keys k where origin = 'registered' and not exists (select from diary_diaries d where d.owner_id = k.agent_id and d.name = 'Private')",
  ],
  [
    'chain that is not where its entries are',
    'select from diary_chains c where seq <> (select count(*) from diary_entries e where e.diary_id = c.diary_id)',
  ],
  [
    'waiting request without a timer',
    `select from identity_signing_requests r where status = 'pending'
     and not exists (select from dbos.workflow_status w where w.workflow_uuid = r.workflow_id)`,
  ],
  [
    'timer without a request',
    `select from dbos.workflow_status w where name = 'expire-signing-request'
     and not exists (select from identity_signing_requests r where r.workflow_id = w.workflow_uuid)`,
  ],
  [
    'act without an event',
    `select from core_audit a where action = 'diaries.create_entry'
     and not exists (select from core_events e where e.subject_id::text = a.target_id and kind = 'diary.entry.created')`,
  ],
];

it('58: a backup under load, restored on an empty directory: rights, shares, chains, signing requests and timers work, and nothing is missing', async () => {
  const [shared, offered, ended] = [await makeDiary(owner!), await makeDiary(owner!), await makeDiary(owner!)];
  const remembered = await write(owner!, shared, { content: 'The ferry leaves at nine' });
  await give(owner!, shared, reader!, 'writer');
  const open = await invite(owner!, offered, reader!);
  ok(await owner!.delete(`/api/v1/diaries/${ended}/shares/${await give(owner!, ended, former!)}`));
  const signed = ok(await author.post('/api/v1/diaries', { name: 'Signed', signed: true }));
  const sign = async (by: RestClient, content: string): Promise<Json> => {
    const said = { content, title: null, tags: [], entry_type: 'semantic' };
    const signature = await signEntry(author.key.private_key, said, signed.chain_id);
    return ok(await by.post(`/api/v1/diaries/${signed.id}/entries`, { content, signature }));
  };
  await sign(author, 'before');
  const [due, late] = [
    ok(await author.post(signing, { message: 'in time' })),
    ok(await author.post(signing, { message: 'too late' })),
  ];

  let writing = true;
  const acts = { written: 0, signed: 0, granted: 0, asked: 0 };
  const load = [
    async () => {
      for (; writing; acts.written += 1) await write(owner!, shared, { content: `load ${acts.written}` });
    },
    async () => {
      for (; writing; acts.signed += 1) await sign(author, `load ${acts.signed}`);
    },
    async () => {
      for (; writing; acts.granted += 1) {
        const share = await give(owner!, ended, former!);
        ok(await owner!.delete(`/api/v1/diaries/${ended}/shares/${share}`));
      }
    },
    async () => {
      for (; writing; acts.asked += 1) {
        const { id, nonce } = ok(await author.post(signing, { message: 'load' }));
        ok(await author.post(`${signing}/${id}/sign`, { signature: await author.key.signMessage('load', nonce) }));
      }
    },
  ].map((one) => one());
  await until(() => Object.values(acts).every((n) => n > 0), 'everybody is at work');
  const before = { ...acts };
  const file = join(folder, 'atrium.tar.zst');
  await run(['backup', file], world.server.dataDir);
  writing = false;
  await Promise.all(load);
  for (const [act, n] of Object.entries(acts)) expect([act, n > before[act as keyof typeof acts]]).toEqual([act, true]);

  // PostgreSQL runs as another user where this process is root.
  chmodSync(target, 0o755);
  expect((await run(['restore', file], target)).stdout).toMatch(/Audit +(\d+) of \1 chains intact/);
  const clock = createMovedClock();
  const second = await startServer({ dataDir: target, env: clock.env });
  const database = openServerDatabase(target);
  try {
    for (const [what, statement] of dangling)
      expect([what, (await database.query(statement)).rowCount]).toEqual([what, 0]);
    const loose = await database.query('select conname from pg_constraint where not convalidated');
    expect(loose.rows).toEqual([]);

    const as = (by: Agent): RestClient => createRestClient(second.url, by.token);
    expect(ok(await as(reader!).get(`/api/v1/diaries/${shared}/entries/${remembered.id}`)).content).toBe(
      'The ferry leaves at nine',
    );
    await write(as(reader!), shared, { content: 'written on the restored one' });
    const found = ok(await as(reader!).post('/api/v1/diaries/search', { diary_ref: shared, query: 'ferry' })).items;
    expect(found[0].id).toBe(remembered.id);
    for (const diary of [shared, offered]) expect((await as(former!).get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    expect((await as(reader!).get(`/api/v1/diaries/${offered}`)).status).toBe(404);
    ok(await as(reader!).post(`/api/v1/diaries/invitations/${open}/accept`));
    expect(ok(await as(reader!).get(`/api/v1/diaries/${offered}`)).role).toBe('reader');
    ok(await as(owner!).delete(`/api/v1/diaries/${offered}/shares/${open}`));
    expect((await as(reader!).get(`/api/v1/diaries/${offered}`)).status).toBe(404);

    const issuer = second.url.replace('127.0.0.1', 'localhost');
    const me = async (): Promise<RestClient> => {
      const { client_id, client_secret } = author;
      const body = new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_id, client_secret, resource: `${issuer}/api/v1` },
      });
      const answer = await fetch(`${issuer}/oauth/token`, { method: 'POST', body });
      return createRestClient(second.url, ((await answer.json()) as Json).access_token);
    };
    const by = await me();
    const whole = ok(await by.post(`/api/v1/diaries/${signed.id}/verify`));
    expect(whole).toMatchObject({ valid: true, broken: null, head: { seq: whole.entries } });
    expect(whole.entries).toBeGreaterThan(0);
    expect((await sign(by, 'after')).proof.seq).toBe(whole.entries + 1);
    expect(ok(await by.post(`/api/v1/diaries/${signed.id}/verify`)).valid).toBe(true);

    const signature = await author.key.signMessage('in time', due.nonce);
    expect(ok(await by.post(`${signing}/${due.id}/sign`, { signature }))).toMatchObject({
      ...{ status: 'completed', valid: true },
    });
    // The timer of the other one came along as well.
    clock.move(301_000);
    await until(
      async () =>
        (
          await database.query('select from core_events where kind = $1 and subject_id = $2', [
            'identity.signing.expired',
            late.id,
          ])
        ).rowCount === 1,
      'it expires',
      60_000,
    );
    const refused = await (await me()).post(`${signing}/${late.id}/sign`, { signature });
    expect([refused.status, refused.body.code]).toEqual([409, 'signing_request_expired']);
  } finally {
    await database.end();
    await second.stop();
  }
}, 600_000);
