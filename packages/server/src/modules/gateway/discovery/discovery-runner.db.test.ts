import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDockerServer } from '../../../../test/support/docker-server.ts';
import { createTestDiscovery, startPage, type TestDiscovery } from '../../../../test/support/test-discovery.ts';
import { until } from '../../../../test/support/until.ts';
import { createGuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { DiscoveryRunner, type DiscoverySettings } from './discovery-runner.ts';
import { providersStore } from './providers-store.ts';

let t: TestDiscovery;
const folder = mkdtempSync(join(tmpdir(), 'atrium-runner-'));
const fetch = createGuardedFetch({ allow: ['127.0.0.1'] });
beforeAll(async () => {
  t = await createTestDiscovery();
});
afterAll(async () => {
  await t.drop();
  await fetch.close();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (socket: string, enabled: DiscoverySettings['enabled'] = 'auto'): DiscoverySettings => ({
  enabled,
  docker: {
    ...{ enabled: true, endpoint: `unix://${join(folder, socket)}`, cert_path: null, resync_ms: 300_000 },
    ...{ mode: 'all', networks: [], exclude: [], include_system: false },
  },
  mdns: { enabled: false, scan_ms: 60_000, services: [] },
  kubernetes: { enabled: 'false', kubeconfig: null, context: null, namespaces: [], resync_ms: 300_000 },
  http: [],
});
const states = async () =>
  (await providersStore.list(t.database.read)).map(({ name, state, endpoint }) => [name, state, endpoint]);
const found = (name: string) =>
  until(
    async () => (await t.pool.query('select 1 from gateway_proposals where name = $1', [name])).rows.length > 0,
    `${name} is found`,
  );

it('other settings are taken without a restart, and what does not run says what would make it run', async () => {
  const page = await startPage();
  const ports = [{ private: 8080, public: page.port, ip: '127.0.0.1' }];
  const [one, two] = await Promise.all(
    ['one.sock', 'two.sock'].map((name) => startDockerServer({ socket: join(folder, name) })),
  );
  one!.run({ name: 'of-one', ports });
  two!.run({ name: 'of-two', ports });
  const { database, clock, service: intake, errors } = t;
  const runner = new DiscoveryRunner(settings('one.sock'), {
    database,
    clock,
    intake,
    fetch,
    onError: (error) => void errors.push(error),
  });
  runner.begin();
  await found('of-one');
  await until(async () => (await states()).some(([, state]) => state === 'running'), 'the state is written');
  expect(await states()).toEqual([
    ['docker', 'running', `unix://${join(folder, 'one.sock')}`],
    ['kubernetes', 'off', null],
    ['mdns', 'off', null],
  ]);
  await runner.reconfigure(settings('two.sock'));
  await found('of-two');
  expect([one!.streams, two!.streams]).toEqual([0, 1]);
  await runner.reconfigure(settings('two.sock', 'false'));
  expect([await states(), two!.streams]).toEqual([[], 0]);
  await runner.reconfigure(settings('one.sock'));
  await until(() => one!.streams === 1, 'it runs again');
  await runner.end();
  await until(() => one!.streams === 0, 'it has ended');
  expect(errors).toEqual([]);
  await Promise.all([one!.close(), two!.close(), page.close()]);
});
