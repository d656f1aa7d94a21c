import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeOrg, type TestOrg } from '../../../../test/support/make-inbox.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { SecretBox } from '../../../platform/secrets/secret-box.ts';
import type { DeploymentRow } from './deployments-rows.ts';
import { deploymentsStore } from './deployments-store.ts';
import { seal, variablesOfRow } from './sealing.ts';
import { createToolboxRotation } from './toolbox-rotation.ts';

let test: TestDatabase;
let org: TestOrg;
let other: TestOrg;
const [first, second] = [randomBytes(32), randomBytes(32)];
const old = { secrets: new SecretBox([first]) };

beforeAll(async () => {
  test = await createTestDatabase();
  org = await makeOrg(test.pool, 'Home');
  other = await makeOrg(test.pool, 'Elsewhere');
});
afterAll(() => test.drop());

const insert = async (name: string, more: Partial<DeploymentRow> = {}): Promise<string> => {
  const id = newId();
  const row: Omit<DeploymentRow, 'updated_at'> = {
    ...{ id, org_id: org.id, name, template_id: 'memos', template_name: 'Memos', template_icon: 'notebook' },
    ...{ digest: 'd', compose: 'services: {}', variables: seal(old, id, { DB_PASSWORD: `pass of ${name}` }) },
    ...{ registry: null, registry_server: null, accepted: [], former: null, state: 'running', step: null },
    ...{ message: null, progress: null, turn: 1, generation: 1, containers: [], volumes: [], ports: [] },
    ...{ auto_route: true, auto_start: true, remove_volumes: false, app_id: null, route_id: null, target: null },
    ...{ created_by_type: 'system', created_by_id: null, created_by_name: 'Atrium', created_at: test.clock.now() },
    ...more,
  };
  return (await deploymentsStore.insert(test.database.read, row)) ? id : '';
};

it('a name belongs to one deployment of the whole engine', async () => {
  expect(await insert('only')).not.toBe('');
  expect(await insert('only', { org_id: other.id })).toBe('');
});

it('work of an earlier order changes and removes nothing', async () => {
  const { read } = test.database;
  const id = await insert('ordered', { turn: 5 });
  expect(await deploymentsStore.change(read, id, 4, { state: 'error' }, test.clock.now())).toBeNull();
  expect(await deploymentsStore.remove(read, id, 4)).toBe(false);
  const changed = await deploymentsStore.change(
    read,
    id,
    5,
    { state: 'stopped', turn: 6, ports: [] },
    test.clock.now(),
  );
  expect(changed).toMatchObject({ state: 'stopped', turn: 6, ports: [] });
  expect(await deploymentsStore.find(read, other.id, id)).toBeNull();
  expect(await deploymentsStore.remove(read, id, 6)).toBe(true);
});

it('ports of all organisations are held, those of the deployment itself left out', async () => {
  const { read } = test.database;
  const port = { service: 'app', container_port: 80, host_port: 20_001, protocol: 'tcp' as const };
  const id = await insert('ported', { ports: [port] });
  await insert('ported-too', { org_id: other.id, ports: [{ ...port, host_port: 20_002 }] });
  const held = async (except: string | null) =>
    (await deploymentsStore.heldPorts(read, except)).map(({ host_port }) => host_port).toSorted();
  expect(await held(null)).toEqual([20_001, 20_002]);
  expect(await held(id)).toEqual([20_002]);
});

it('a replaced master key covers variables, credentials and what an update keeps', async () => {
  const id = await insert('sealed');
  const { read } = test.database;
  const more = { registry: seal(old, id, { password: 'p' }), former: seal(old, id, { state: 'running' }) };
  await deploymentsStore.change(read, id, 1, more, test.clock.now());
  const box = new SecretBox([second, first]);
  await createToolboxRotation(test.database)((sealed, place) => box.reencrypt(sealed, place));
  const renewed = (await deploymentsStore.any(read, id))!;
  const only = { secrets: new SecretBox([second]) };
  expect(variablesOfRow(only, renewed)).toEqual({ DB_PASSWORD: 'pass of sealed' });
  for (const sealed of [renewed.registry!, renewed.former!]) expect(sealed).toContain(`v1.${box.currentKeyId}.`);
});
