import {
  hasPermission,
  hasScope,
  hooksAcknowledge,
  hooksActivity,
  hooksCreate,
  hooksDelete,
  hooksList,
  hooksNotify,
  hooksPending,
  hooksReceive,
  hooksRotateSecret,
  hooksTest,
  hooksUpdate,
} from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { Module } from '../../platform/module.ts';
import { bind } from '../../platform/operations/binding.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { createHooksService, type HookParts, hookPlace } from './hooks/hooks-service.ts';
import { hooksStore } from './hooks/hooks-store.ts';

/** Plug of what systems outside send. */
export const createHooksModule = (parts: HookParts): Module & { rotate: RotationVisit } => {
  const hooks = createHooksService(parts);
  return {
    name: 'hooks',
    bindings: [
      bind(hooksActivity, hooks.activity),
      bind(hooksNotify, hooks.notify),
      bind(hooksList, hooks.list),
      bind(hooksCreate, hooks.create),
      bind(hooksUpdate, hooks.update),
      bind(hooksRotateSecret, hooks.rotate),
      bind(hooksDelete, hooks.remove),
      bind(hooksTest, hooks.test),
      bind(hooksReceive, hooks.receive),
      bind(hooksPending, hooks.pending),
      bind(hooksAcknowledge, hooks.acknowledge),
    ],
    eventFilters: [
      eventFilter(
        'admin.hook.',
        (event, caller) =>
          caller.org_id === event.org_id &&
          hasScope(caller.scopes, 'org:admin') &&
          hasPermission(caller.permissions, 'webhooks.manage'),
      ),
    ],
    sweeps: [{ name: 'hooks', every_ms: 3_600_000, run: hooks.prune }],
    rotate: async (reencrypt) => {
      for (const { id, sealed } of await hooksStore.sealed(parts.database.read)) {
        const renewed = reencrypt(sealed, hookPlace(id));
        if (renewed !== null) await hooksStore.reseal(parts.database.read, id, sealed, renewed);
      }
    },
  };
};
