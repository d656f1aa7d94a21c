import { connectedAppsList, connectedAppsWithdraw } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GrantsService } from '../grants-service.ts';

export const grantsRoutes = (grants: GrantsService): Binding[] => [
  bind(connectedAppsList, grants.list),
  bind(connectedAppsWithdraw, grants.withdraw),
];
