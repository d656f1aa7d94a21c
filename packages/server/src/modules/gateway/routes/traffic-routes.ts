import { accessLog, accessTail, gatewayStats } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GatewayServices } from '../gateway-services.ts';

/** What goes through. */
export const trafficBindings = ({ traffic }: GatewayServices): Binding[] => [
  bind(accessLog, (call, input) => traffic.log(call, input)),
  bind(accessTail, (call, input) => traffic.tail(call, input)),
  bind(gatewayStats, (call, input) => traffic.stats(call, input)),
];
