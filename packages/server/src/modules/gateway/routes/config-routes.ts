import {
  configVersionsDiff,
  configVersionsList,
  configVersionsRollback,
  gatewayDryRun,
  gatewayExport,
  gatewayInfo,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GatewayServices } from '../gateway-services.ts';

/** Versions of apps and routes, and documents that hold them. */
export const configBindings = ({ documents, traffic }: GatewayServices): Binding[] => [
  bind(configVersionsList, (call, input) => documents.list(call, input)),
  bind(configVersionsDiff, (call, input) => documents.diff(call, input)),
  bind(configVersionsRollback, (call, input) => documents.rollback(call, input)),
  bind(gatewayDryRun, (call, input) => documents.dryRun(call, input)),
  bind(gatewayExport, (call) => documents.export(call)),
  bind(gatewayInfo, (call) => traffic.info(call)),
];
