import type { Clock } from '../../platform/clock/clock.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { type DeviceMark, devicesStore } from './devices-store.ts';
import { identityEvents } from './identity-events.ts';
import type { IdentityHooks } from './identity-hooks.ts';

export type WhyDeviceEnds = 'revoked' | 'left' | 'paired_again' | 'owner_gone';

/** Shuts devices out: their rows and, by the hook, what they were given. The event closes their connections everywhere. */
export const endDevices = async (
  tx: Transaction,
  { clock, hooks }: { clock: Clock; hooks: Pick<IdentityHooks, 'deviceShutOut'> },
  of: Parameters<typeof devicesStore.revoke>[1],
  why: WhyDeviceEnds,
): Promise<DeviceMark[]> => {
  const ended = await devicesStore.revoke(tx.db, of, clock.now());
  for (const device of ended) {
    for (const hook of hooks.deviceShutOut) await hook(tx, device);
    const { id, org_id, user_id, name } = device;
    tx.emit({ kind: identityEvents.deviceRevoked, id, org_id, body: { user_id, name, why } });
    tx.audit({ action: 'devices.end', target_type: 'device', target_id: id, org_id, details: { name, why } });
  }
  return ended;
};
