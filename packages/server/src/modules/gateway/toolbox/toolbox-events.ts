import { hasPermission, hasScope } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { eventFilter } from '../../../platform/events/event-filter.ts';
import type { EventFilter } from '../../../platform/module.ts';
import type { DeploymentRow } from './deployments-rows.ts';

/** Facts that the toolbox announces; the subject is the deployment. */
export const toolboxEvents = {
  created: 'gateway.deployment.created',
  changed: 'gateway.deployment.changed',
  removed: 'gateway.deployment.removed',
} as const;

type Told = Pick<
  DeploymentRow,
  'id' | 'org_id' | 'name' | 'template_id' | 'state' | 'step' | 'message' | 'progress' | 'turn'
>;

export const emitDeployment = (tx: Transaction, event: keyof typeof toolboxEvents, row: Told): void =>
  tx.emit({
    kind: toolboxEvents[event],
    id: row.id,
    org_id: row.org_id,
    body: {
      ...{ name: row.name, template: row.template_id, state: row.state, step: row.step, message: row.message },
      ...{ percent: row.progress?.percent ?? null, turn: row.turn },
    },
  });

/** For those who may install. */
export const toolboxEventFilters: readonly EventFilter[] = [
  eventFilter(
    'gateway.deployment.',
    (event, caller) =>
      caller.org_id === event.org_id &&
      hasScope(caller.scopes, 'toolbox:deploy') &&
      hasPermission(caller.permissions, 'toolbox.deploy'),
  ),
];
