import {
  appsFigures,
  boardsCreate,
  boardsDelete,
  boardsGet,
  boardsList,
  boardsUpdate,
  gatewayHours,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GatewayServices } from '../gateway-services.ts';

/** What people put together to open, and what their tiles show. */
export const boardsBindings = ({ boards, traffic }: GatewayServices): Binding[] => [
  bind(boardsList, (call, input) => boards.list(call, input)),
  bind(boardsGet, (call, { id }) => boards.get(call, id)),
  bind(boardsCreate, (call, input) => boards.create(call, input)),
  bind(boardsUpdate, (call, input) => boards.update(call, input)),
  bind(boardsDelete, (call, { id }) => boards.remove(call, id)),
  bind(appsFigures, (call, input) => traffic.ofApps(call, input)),
  bind(gatewayHours, (call, input) => traffic.hours(call, input)),
];
