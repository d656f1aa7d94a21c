import { text } from 'node:stream/consumers';
import { adminOperations, defaultSettings, serverOperations } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { makeIdentity } from '../../../test/support/make-identity.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { createAuditStore } from '../../platform/audit/audit-store.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { createSettingsStore } from '../../platform/settings/settings-store.ts';
import { adminModule } from './admin-module.ts';
import {
  type AuditService,
  createAuditService,
  createIngestService,
  createServerService,
  createSettingsService,
  type SettingsService,
} from './index.ts';

let test: TestDatabase;
let audit: AuditService;
let settings: SettingsService;
/** Items that nobody but their owner sees. */
const secret = new Set<string>();
const key = Buffer.alloc(32, 3);

beforeAll(async () => {
  test = await createTestDatabase();
  const visibleItemTitles = async (caller: { system_role: string | null }, ids: readonly string[]) =>
    new Map(ids.filter((id) => caller.system_role === 'owner' || !secret.has(id)).map((id) => [id, `Title of ${id}`]));
  audit = createAuditService({
    database: test.database,
    clock: test.clock,
    store: createAuditStore(test.database.read, [key]),
    visibleItemTitles,
  });
  settings = createSettingsService({
    database: test.database,
    store: createSettingsStore(test.database.read, test.clock),
  });
});
afterAll(() => test.drop());

const page = { limit: 50 } as const;
const tamper = async (statement: string, values: unknown[]): Promise<void> => {
  const client = await test.pool.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(statement, values);
    await client.query('set session_replication_role = default');
  } finally {
    client.release();
  }
};
const write = async (
  call: Call,
  ...lines: {
    action: string;
    item_id?: string;
    target_type?: string;
    target_id?: string;
    details?: Record<string, unknown>;
  }[]
) => {
  for (const line of lines) {
    test.clock.advance(1000);
    await test.database.transaction(call, async (tx) => tx.audit(line));
  }
};

describe('the audit trail', () => {
  it('situation 30: has no line, export included, about an item that its reader may not see', async () => {
    const owner = makeCall({}, { system_role: 'owner' });
    const admin = { ...owner, caller: { ...owner.caller, id: newId(), system_role: 'admin' as const } };
    const [open, hidden] = [newId(), newId()];
    secret.add(hidden);
    for (let n = 0; n < 20; n += 1)
      await write(owner, { action: 'inbox.answer', item_id: n % 2 === 0 ? open : hidden, details: { n } });
    const first = await audit.list(admin, { limit: 6 });
    const second = await audit.list(admin, { limit: 6, cursor: first.next_cursor! });
    expect([...first.items, ...second.items].map((line) => line.details['n'])).toEqual([
      18, 16, 14, 12, 10, 8, 6, 4, 2, 0,
    ]);
    expect(second.next_cursor).toBeNull();
    expect(new Set([...first.items, ...second.items].map((line) => line.item_title))).toEqual(
      new Set([`Title of ${open}`]),
    );
    expect((await audit.list(admin, { ...page, item: hidden })).items).toEqual([]);
    expect((await audit.list(owner, { ...page, item: hidden })).items).toHaveLength(10);
    for (const format of ['csv', 'ndjson'] as const) {
      const file = await audit.export(admin, { format });
      const content = await text(file.stream);
      expect(content).toContain(open);
      expect(content).not.toContain(hidden);
      expect(file).toMatchObject({ file_name: `audit-2026-03-01.${format}`, inline: false });
    }
    expect((await audit.list(owner, { ...page, action: 'audit.export' })).items).toHaveLength(2);
  });

  it('is filtered by action and prefix, actor, target, time and text', async () => {
    const call = makeCall();
    const target = newId();
    await write(
      call,
      { action: 'auth.login' },
      { action: 'auth.logout' },
      { action: 'authx.y' },
      { action: 'roles.create', target_type: 'role', target_id: target, details: { name: '50% Off' } },
    );
    const actions = async (filter: Record<string, unknown>) =>
      (await audit.list(call, { ...page, ...filter })).items.map((line) => line.action);
    expect(await actions({ action: 'auth.login' })).toEqual(['auth.login']);
    expect(await actions({ action: 'auth.*' })).toEqual(['auth.logout', 'auth.login']);
    expect(await actions({ target })).toEqual(['roles.create']);
    expect(await actions({ target: 'role' })).toEqual(['roles.create']);
    expect(await actions({ q: '50% off' })).toEqual(['roles.create']);
    expect(await actions({ q: '%' })).toEqual(['roles.create']);
    expect(await actions({ actor: newId() })).toEqual([]);
    expect(await actions({ actor: call.caller.id })).toHaveLength(4);
    expect(await actions({ from: test.clock.now().toISOString() })).toEqual(['roles.create']);
    expect(await actions({ until: test.clock.now().toISOString() })).not.toContain('roles.create');
    await expect(audit.list(call, { ...page, cursor: '!' })).rejects.toMatchObject({ code: 'bad_request' });
    expect((await audit.list(makeCall(), page)).items).toEqual([]);
  });

  it('situation 53: names the first broken link, and still verifies from the checkpoint after pruning', async () => {
    const call = makeCall();
    const org = call.caller.org_id;
    await write(call, ...Array.from({ length: 6 }, (_, n) => ({ action: 'note.create', details: { n } })));
    expect(await audit.verify(call)).toEqual({ intact: true, checked: 6, first_broken: null, checkpoint: null });
    await createAuditStore(test.database.read, [key]).prune(
      org,
      new Date(test.clock.now().getTime() - 3500),
      test.clock.now(),
    );
    expect(await audit.verify(call)).toEqual({
      intact: true,
      checked: 4,
      first_broken: null,
      checkpoint: { seq: 2, at: test.clock.now().toISOString() },
    });
    await tamper(`update core_audit set details = '{}' where org_id = $1 and seq = 5`, [org]);
    expect(await audit.verify(call)).toMatchObject({
      intact: false,
      checked: 2,
      first_broken: { seq: 5, id: expect.any(String), reason: expect.any(String) },
    });
  });
});

describe('settings', () => {
  it('are read with their defaults, changed with an audit line, and refused with every wrong key named', async () => {
    const call = makeCall();
    expect(await settings.get(call)).toEqual({ settings: defaultSettings, defaults: defaultSettings });
    const changed = await settings.update(call, { settings: { archive_after_days: 7 } });
    expect(changed.settings['archive_after_days']).toBe(7);
    expect((await audit.list(call, { ...page, action: 'settings.update' })).items).toMatchObject([
      { details: { archive_after_days: 7 } },
    ]);
    expect((await settings.update(call, { settings: { archive_after_days: null } })).settings).toEqual(defaultSettings);
    await expect(settings.update(call, { settings: { nonsense: 1 } })).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'settings.nonsense' }],
    });
  });

  it('announce their change to those who may read them', async () => {
    const identity = makeIdentity(test);
    const server = createServerService({
      ...{
        database: test.database,
        clock: test.clock,
        version: '0.0.0',
        names: identity.names,
        capabilities: () => [],
      },
      counts: { read: async () => [] },
      identity_totals: identity.totals,
      oauth_figures: () => Promise.reject(new Error('not asked here')),
      ...{ signing_key: async () => null, host: () => null },
    });
    const { eventFilters, bindings } = adminModule({
      ...{ audit, settings, server },
      ingest: createIngestService({ database: test.database, dispatcher: { connected: true, cursor: async () => 0 } }),
    });
    const filter = eventFilters![0]!;
    const reader = makeCall().caller;
    const event = {
      org_id: reader.org_id,
      seq: 1,
      kind: 'core.settings.updated',
      id: reader.org_id,
      actor: { type: 'system' as const, id: null, name: '' },
      at: test.clock.now(),
      body: { keys: ['x'] },
    };
    const receivers = [
      reader,
      { ...reader, permissions: [] },
      { ...reader, scopes: ['inbox:read'] },
      makeCall().caller,
    ];
    expect(await filter.fanOut(event, receivers)).toEqual([{ keys: ['x'] }, null, null, null]);
    expect(await filter.replay(reader, [event])).toEqual([{ keys: ['x'] }]);
    expect(bindings.map((binding) => binding.operation.name)).toEqual(
      [...adminOperations, ...serverOperations].map((operation) => operation.name),
    );
  });
});
