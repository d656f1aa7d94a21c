import type { Transaction } from '../../platform/db/database.ts';
import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { ownContainerIds } from './discovery/own-container.ts';
import { Catalogue } from './toolbox/catalogue.ts';
import { DeploymentRunner } from './toolbox/deployment-runner.ts';
import { createDeploymentsService } from './toolbox/deployments-service.ts';
import { createTemplatesService } from './toolbox/templates-service.ts';
import { toolboxEventFilters, toolboxEvents } from './toolbox/toolbox-events.ts';
import type { ToolboxParts } from './toolbox/toolbox-parts.ts';
import { createToolboxRotation } from './toolbox/toolbox-rotation.ts';
import { toolboxBindings } from './toolbox/toolbox-routes.ts';

export type ToolboxModuleParts = Omit<ToolboxParts, 'catalogue' | 'own_ids'> & {
  /** Templates that come with Atrium. */
  shipped: string;
  /** Those of the operator. */
  catalog_dir: () => string | null;
};

export interface ToolboxModule extends Module {
  /** Visits what is encrypted under the master key, when that key is replaced. */
  rotate: RotationVisit;
  orgDeleting(tx: Transaction, org: { id: string }): Promise<void>;
}

/** Plug of the toolbox: applications of templates, installed on the container engine. */
export const createToolboxModule = (given: ToolboxModuleParts): ToolboxModule => {
  const { shipped, catalog_dir, ...rest } = given;
  const parts: ToolboxParts = { ...rest, catalogue: new Catalogue(shipped, catalog_dir), own_ids: ownContainerIds() };
  const deployments = createDeploymentsService(parts);
  const runner = new DeploymentRunner(parts);
  return {
    name: 'toolbox',
    bindings: toolboxBindings({ templates: createTemplatesService(parts), deployments }),
    eventFilters: toolboxEventFilters,
    jobs: runner.jobs,
    onEvent: ({ kind, id, body }) => {
      if (kind === toolboxEvents.changed) runner.heard(id, Number(body['turn']));
    },
    rotate: createToolboxRotation(parts.database),
    orgDeleting: deployments.orgDeleting,
  };
};
