import { createAtrium, type PairOptions, pairDevice } from '../../packages/sdk/src/index.ts';
import type { SeedOrganisation } from './organisation.ts';

export interface SeededDevices {
  device: string;
}

/** Devices of the owner, joined as devices join. */
export const seedDevices = async (url: string, { owner }: SeedOrganisation): Promise<SeededDevices> => {
  const atrium = createAtrium({ url, token: owner.token });
  const join = async (device: PairOptions['device']): Promise<string> => {
    const { qr } = await atrium.devices.create_pairing({});
    return (await pairDevice({ from: { url, code: qr.c }, device })).device_id;
  };
  const device = await join({ name: 'Phone', platform: 'android', model: 'Pixel 9 Pro', platform_version: '16' });
  await join({ name: 'Kitchen wall', platform: 'ios', model: 'iPad Air', platform_version: '19.1' });
  await join({ name: 'Firefox on Linux', platform: 'web' });
  const lost = await join({ name: 'Old phone', platform: 'ios', model: 'iPhone 12' });
  await atrium.devices.revoke({ id: lost });
  return { device };
};
