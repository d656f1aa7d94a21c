import {
  deviceGetSelf,
  deviceLeave,
  devicesGet,
  devicesList,
  devicesRevoke,
  devicesUpdate,
  deviceUpdateSelf,
  pairingsCancel,
  pairingsComplete,
  pairingsCreate,
  pairingsGet,
  pairingsRedeem,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const devicesRoutes = ({ devices, pairings }: IdentityServices): Binding[] => [
  bind(pairingsCreate, pairings.create),
  bind(pairingsGet, pairings.get),
  bind(pairingsCancel, pairings.cancel),
  bind(pairingsRedeem, pairings.redeem),
  bind(pairingsComplete, pairings.complete),
  bind(devicesList, devices.list),
  bind(devicesGet, devices.get),
  bind(devicesUpdate, devices.update),
  bind(devicesRevoke, devices.revoke),
  bind(deviceGetSelf, devices.getSelf),
  bind(deviceUpdateSelf, devices.updateSelf),
  bind(deviceLeave, devices.leave),
];
