import { defaultSettings } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import type { StoredEvent } from '../module.ts';
import { createSettingsStore, settingsUpdated } from './settings-store.ts';

let test: TestDatabase;
const committed: StoredEvent[] = [];
beforeAll(async () => {
  test = await createTestDatabase({ onCommitted: (events) => void committed.push(...events) });
});
afterAll(() => test.drop());

const make = () => createSettingsStore(test.database.read, test.clock);

describe('settings', () => {
  it('are the defaults until changed, and again after null', async () => {
    const store = make();
    const call = makeCall();
    const org = call.caller.org_id;
    expect(await store.get(org)).toEqual(defaultSettings);
    await test.database.transaction(call, (tx) =>
      store.update(tx, org, { correction_window_s: 5, auto_create_channels: true }),
    );
    expect(await store.get(org)).toEqual({ ...defaultSettings, correction_window_s: 5, auto_create_channels: true });
    await test.database.transaction(call, (tx) => store.update(tx, org, { correction_window_s: null }));
    expect((await store.get(org)).correction_window_s).toBe(defaultSettings.correction_window_s);
  });

  it('name every wrong key and value at once and change nothing', async () => {
    const store = make();
    const call = makeCall();
    const update = test.database.transaction(call, (tx) =>
      store.update(tx, call.caller.org_id, { correction_window_s: -1, nonsense: 1, elicitation_mirror: false }),
    );
    await expect(update).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'settings.correction_window_s' }, { path: 'settings.nonsense' }],
    });
    expect(await store.get(call.caller.org_id)).toEqual(defaultSettings);
  });

  it('are cached in another process until the event arrives', async () => {
    const [here, there] = [make(), make()];
    const call = makeCall();
    const org = call.caller.org_id;
    await there.get(org);
    await test.database.transaction(call, (tx) => here.update(tx, org, { archive_after_days: 7 }));
    expect((await here.get(org)).archive_after_days).toBe(7);
    expect((await there.get(org)).archive_after_days).toBe(30);
    const event = committed.find((candidate) => candidate.org_id === org && candidate.kind === settingsUpdated)!;
    there.onEvent(event);
    expect((await there.get(org)).archive_after_days).toBe(7);
  });

  it('do not keep what was read before an invalidation', async () => {
    const store = make();
    const call = makeCall();
    const org = call.caller.org_id;
    const reading = store.get(org);
    store.forget(org);
    await reading;
    await test.pool.query(`insert into core_settings values ($1, 'archive_after_days', '9', now())`, [org]);
    expect((await store.get(org)).archive_after_days).toBe(9);
  });

  it('ignore a stored value that this release refuses', async () => {
    const org = makeCall().caller.org_id;
    await test.pool.query(
      `insert into core_settings values ($1, 'archive_after_days', '"x"', now()), ($1, 'gone', '1', now())`,
      [org],
    );
    expect(await make().get(org)).toEqual(defaultSettings);
  });
});
