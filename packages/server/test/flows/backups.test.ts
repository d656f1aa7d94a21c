import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { joinAs } from '../support/companion.ts';
import { createMovedClock } from '../support/moved-clock.ts';
import { ok, openWorld, type Person, type World } from '../support/people.ts';
import { createRestClient, type Json } from '../support/rest-client.ts';
import { startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'atrium-test-backups-'));
const passphrase = 'nine brown foxes in a row';
const clock = createMovedClock();
const app = createServer((_request, answer) => answer.end('hello from the app'));
let world: World;
let operator: Person;
let member: Person;

beforeAll(async () => {
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  world = await openWorld({ env: { ...clock.env, ATRIUM_BACKUP_DIRECTORY: folder } });
  operator = world.operator;
  const invited = ok(await operator.post('/api/v1/orgs/current/invitations', { role: 'admin', max_uses: 1 }));
  member = await world.makePerson('Mia', invited.invite_code);
});
afterAll(async () => {
  await world.close();
  app.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (path: string): Promise<Json> => ok(await operator.get(path));
const ended = (id: string): Promise<Json> =>
  until(async () => {
    const found = await get(`/api/v1/backups/${id}`);
    return found.state === 'running' ? null : found;
  }, 'the backup ends');
const make = async (body: Json = {}): Promise<Json> => {
  const made = ok(await operator.post('/api/v1/backups', body));
  const done = await ended(made.id);
  expect(done).toMatchObject({ state: 'done', error: null, present: true });
  return done;
};
const restore = (id: string, body: Json) => operator.post(`/api/v1/backups/${id}/restore`, body);
const makeApp = async (slug: string): Promise<Json> =>
  ok(
    await operator.post('/api/v1/routes', {
      ...{ slug, app: { name: slug, slug }, access: 'public', trusted: true },
      targets: [{ url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` }],
    }),
  );
const opens = async (slug: string) => (await fetch(`${world.url}/apps/${slug}/`)).status;

it('probe', async () => {
  console.log(await operator.post('/api/v1/routes', { slug: 'x' }));
  const made = await make();
  console.log(made);
});
