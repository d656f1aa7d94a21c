import {
  toolboxCancel,
  toolboxDelete,
  toolboxDeploy,
  toolboxDeploymentsGet,
  toolboxDeploymentsList,
  toolboxLogs,
  toolboxStart,
  toolboxStatus,
  toolboxStop,
  toolboxTemplatesGet,
  toolboxTemplatesList,
  toolboxUpdate,
  toolboxValidate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DeploymentsService } from './deployments-service.ts';
import type { TemplatesService } from './templates-service.ts';

export const toolboxBindings = (services: {
  templates: TemplatesService;
  deployments: DeploymentsService;
}): Binding[] => {
  const { templates, deployments } = services;
  return [
    bind(toolboxStatus, (call) => templates.status(call)),
    bind(toolboxTemplatesList, (call, input) => templates.list(call, input)),
    bind(toolboxTemplatesGet, (call, { template }) => templates.get(call, template)),
    bind(toolboxValidate, (call, input) => templates.validate(call, input)),
    bind(toolboxDeploy, (call, input) => deployments.deploy(call, input)),
    bind(toolboxDeploymentsList, (call, input) => deployments.list(call, input)),
    bind(toolboxDeploymentsGet, (call, { id }) => deployments.get(call, id)),
    bind(toolboxUpdate, (call, input) => deployments.update(call, input)),
    bind(toolboxStart, (call, { id }) => deployments.start(call, id)),
    bind(toolboxStop, (call, { id }) => deployments.stop(call, id)),
    bind(toolboxCancel, (call, { id }) => deployments.cancel(call, id)),
    bind(toolboxDelete, async (call, input) => {
      await deployments.remove(call, input);
      return null;
    }),
    bind(toolboxLogs, (call, input) => deployments.logs(call, input)),
  ];
};
