import {
  discoveryImport,
  discoveryRescan,
  discoveryRestore,
  discoveryStatus,
  proposalsApprove,
  proposalsDismiss,
  proposalsGet,
  proposalsList,
  recipesList,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import { listRecipes } from '../recipes/recipes-service.ts';
import type { ImportService } from './import/import-service.ts';
import type { ProposalsService } from './proposals-service.ts';
import type { StatusService } from './status-service.ts';

export const discoveryBindings = (services: {
  proposals: ProposalsService;
  status: StatusService;
  imports: ImportService;
}): Binding[] => {
  const { proposals, status, imports } = services;
  return [
    bind(proposalsList, (call, input) => proposals.list(call, input)),
    bind(proposalsGet, (call, { id }) => proposals.get(call, id)),
    bind(proposalsApprove, (call, input) => proposals.approve(call, input)),
    bind(proposalsDismiss, (call, { id }) => proposals.dismiss(call, id)),
    bind(discoveryRestore, (call, { id }) => proposals.restore(call, id)),
    bind(discoveryRescan, (call, input) => proposals.rescan(call, input)),
    bind(recipesList, async (_call, input) => listRecipes(input)),
    bind(discoveryImport, imports.import),
    bind(discoveryStatus, (call) => status.status(call)),
  ];
};
