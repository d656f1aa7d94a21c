import { deviceScopeCovers, hasPermission, isDeviceScope } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { credentialsStore } from './credentials-store.ts';
import { currentCaller } from './current-caller.ts';
import { endDevices } from './device-endings.ts';
import { type DeviceRow, devicesStore } from './devices-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requirePermission } from './identity-policy.ts';
import { deviceView } from './identity-views.ts';

/** Its owner, the device itself, and whoever manages those of the organisation. */
const maySee = (caller: Caller, device: DeviceRow): boolean =>
  device.id === caller.id ||
  (caller.kind === 'user' && device.user_id === caller.id) ||
  hasPermission(caller.permissions, 'devices.manage');

/** Scopes that a device can have, each once. */
export const readDeviceScopes = (scopes: readonly string[]): string[] => {
  const unknown = scopes.find((scope) => !isDeviceScope(scope));
  if (unknown !== undefined) throw invalid('scopes', `a device cannot have ${unknown}`);
  return [...new Set(scopes)];
};

/** Devices after they have joined. */
export const createDevicesService = (context: IdentityContext) => {
  const { clock, database, hooks, transact } = context;

  const seen = async (caller: Caller, id: string): Promise<DeviceRow> => {
    const device = await devicesStore.find(database.read, caller.org_id, id);
    if (device === null || !maySee(caller, device)) throw notFound('The device');
    return device;
  };

  const locked = async (tx: Transaction, call: Call, id: string): Promise<DeviceRow> => {
    const caller = await currentCaller(tx, call.caller);
    const device = await devicesStore.lock(tx.db, caller.org_id, id);
    if (device === null || !maySee(caller, device)) throw notFound('The device');
    return device;
  };

  const show = async (tx: Transaction, { org_id, id }: DeviceRow) =>
    deviceView((await devicesStore.find(tx.db, org_id, id))!);

  const change = async (
    tx: Transaction,
    device: DeviceRow,
    changes: Parameters<typeof devicesStore.update>[3],
    action: string,
  ) => {
    await devicesStore.update(tx.db, device.org_id, device.id, changes);
    const { name = device.name, scopes } = changes;
    tx.emit({ kind: identityEvents.deviceUpdated, id: device.id, body: { user_id: device.user_id, name } });
    tx.audit({ action, target_type: 'device', target_id: device.id, details: { name, scopes } });
    return show(tx, device);
  };

  return {
    list: async (
      call: Call,
      input: {
        everyone: boolean;
        include_revoked: boolean;
        q?: string | undefined;
        limit: number;
        cursor?: string | undefined;
      },
    ) => {
      const { caller } = call;
      if (input.everyone) requirePermission(caller, 'devices.manage');
      const own = caller.kind === 'user' ? { user_id: caller.id, id: null } : { user_id: null, id: caller.id };
      const rows = await devicesStore.page(database.read, caller.org_id, {
        ...(input.everyone ? { user_id: null, id: null } : own),
        ...{ include_revoked: input.include_revoked, q: input.q },
        ...{ after: timePosition(input.cursor), limit: input.limit + 1 },
      });
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), deviceView);
    },

    get: async (call: Call, input: { id: string }) => deviceView(await seen(call.caller, input.id)),

    update: (call: Call, input: { id: string; name?: string | undefined; scopes?: string[] | undefined }) =>
      transact(call, 'devices.update', async (tx) => {
        const device = await locked(tx, call, input.id);
        const scopes = input.scopes && readDeviceScopes(input.scopes);
        const missing = scopes?.filter((scope) => !deviceScopeCovers(device.scopes, scope)) ?? [];
        if (missing.length > 0)
          throw new AppError('escalation_denied', `The device lacks ${missing.join(', ')}; pair it again for more.`, {
            extensions: { error: 'escalation denied', missing },
          });
        return change(tx, device, { name: input.name, scopes }, 'devices.update');
      }),

    revoke: (call: Call, input: { id: string }): Promise<null> =>
      transact(call, 'devices.revoke', async (tx) => {
        const { id, org_id } = await locked(tx, call, input.id);
        await endDevices(tx, context, { id, org_id }, 'revoked');
        return null;
      }),

    getSelf: async (call: Call) => deviceView(await seen(call.caller, call.caller.id)),

    updateSelf: (
      call: Call,
      input: {
        name?: string | undefined;
        platform_version?: string | undefined;
        push_token?: string | null | undefined;
      },
    ) =>
      transact(call, 'device.update', async (tx) =>
        change(tx, await locked(tx, call, call.caller.id), input, 'device.update'),
      ),

    leave: (call: Call): Promise<null> =>
      transact(call, 'device.leave', async (tx) => {
        const { id, org_id } = await locked(tx, call, call.caller.id);
        await endDevices(tx, context, { id, org_id }, 'left');
        return null;
      }),

    /** Its tokens were ended because one of them was used twice. In the transaction that ends them. */
    compromised: async (tx: Transaction, call: Call, deviceId: string): Promise<void> => {
      const device = await devicesStore.markNeedsPairing(tx.db, deviceId, clock.now());
      if (device === null) return;
      const { id, org_id, user_id, name } = device;
      tx.emit({ kind: identityEvents.deviceRepairRequired, id, org_id, body: { user_id, name } });
      const owner = await credentialsStore.member(tx.db, org_id, user_id);
      if (owner === null) return;
      for (const hook of hooks.deviceCompromised) await hook(tx, device, call);
    },
  };
};

export type DevicesService = ReturnType<typeof createDevicesService>;
