import {
  gatewayActivity,
  gatewayCloseSocket,
  gatewayDashboard,
  gatewaySockets,
  statsQuick,
  systemResources,
} from '@atrium/protocol';
import type { Module } from '../../platform/module.ts';
import { bind } from '../../platform/operations/binding.ts';
import { createOverviewService, type OverviewParts } from './overview/overview-service.ts';

/** Plug of what people see at a glance. */
export const createOverviewModule = (parts: OverviewParts): Module => {
  const overview = createOverviewService(parts);
  return {
    name: 'overview',
    bindings: [
      bind(statsQuick, overview.quick),
      bind(gatewayActivity, overview.activity),
      bind(gatewayDashboard, overview.dashboard),
      bind(systemResources, () => overview.resources()),
      bind(gatewaySockets, overview.sockets),
      bind(gatewayCloseSocket, overview.closeSocket),
    ],
  };
};
