import { devicesList } from '@atrium/protocol';
import { QrCode, TabletSmartphone } from 'lucide-react';
import { lazy } from 'react';
import type { Feature } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { openPair } from './pair-store.ts';

export const devicesFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./pair-dialog.tsx')).PairDialog })),
  nav: [
    {
      to: '/devices',
      label: 'Devices',
      icon: TabletSmartphone,
      group: 'Things',
      keys: 'g v',
      permission: 'devices.pair',
    },
  ],
  commands: [
    {
      id: 'devices.create_pairing',
      title: 'Pair a device',
      group: 'Devices',
      icon: QrCode,
      keywords: ['phone', 'companion', 'qr', 'code', 'devices.create_pairing'],
      permission: 'devices.pair',
      run: openPair,
    },
  ],
  searches: [
    {
      id: 'devices',
      heading: 'Devices',
      permission: 'devices.pair',
      search: async (q, signal) =>
        (await call(devicesList, { q, limit: 6 }, { signal })).items.map((device) => ({
          id: device.id,
          label: device.name,
          hint: device.model ?? device.platform,
          to: `/devices/${device.id}`,
          icon: TabletSmartphone,
        })),
    },
  ],
  listen: () => {
    invalidateOn('identity.device.', ['devices.list', 'devices.get', 'devices.get_pairing']);
    invalidateOn('identity.pairing.', ['devices.get_pairing']);
  },
};
