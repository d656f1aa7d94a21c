import { hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Module } from '../../platform/module.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import type { OauthInternals } from './index.ts';
import { nilId } from './oauth-events.ts';
import { adminChanged } from './operators/operators-context.ts';
import { createOperatorsServices, type OperatorsServices } from './operators/operators-services.ts';
import { operatorsRoutes } from './routes/operators-routes.ts';

const hourMs = 60 * 60_000;

/** That something of the whole server changed: for operators alone, wherever they are. */
const adminFilter = eventFilter(
  adminChanged,
  (event, caller) => caller.is_operator && caller.org_id === event.org_id && hasScope(caller.scopes, 'admin:read'),
);

/** The part of the authorization server that operators and persons work with, beside the protocol itself. */
export interface OperatorsPart extends Module {
  services: OperatorsServices;
  rotate: RotationVisit;
  /** Which key signs, and until when. */
  signing_key: () => Promise<{ kid: string; alg: string; activated_at: string; rotates_at: string } | null>;
}

export const createOperatorsPart = (parts: OauthInternals): OperatorsPart => {
  const services = createOperatorsServices({
    ...parts,
    ranges: parts.denied,
    forgetClient: (clientId) => parts.clients.forget(clientId),
    key_grace_ms: parts.config.keyGraceMs,
    key_rotation_ms: parts.config.keyRotationMs,
  });
  return {
    name: 'oauth operators',
    bindings: operatorsRoutes(services),
    eventFilters: [adminFilter],
    sweeps: [{ name: 'oauth-operators', every_ms: hourMs, run: services.sweep }],
    services,
    rotate: services.clients.rotateSealed,
    signing_key: async () => {
      const { items } = await services.keys.list(internalCall(systemCaller({ id: nilId }), newId()));
      const active = items.find((key) => key.state === 'active');
      if (active?.activated_at == null) return null;
      const { kid, alg, activated_at } = active;
      const rotates_at = new Date(Date.parse(activated_at) + parts.config.keyRotationMs).toISOString();
      return { kid, alg, activated_at, rotates_at };
    },
  };
};
