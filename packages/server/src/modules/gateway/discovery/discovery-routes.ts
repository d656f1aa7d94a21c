import {
  discoveryRescan,
  discoveryRestore,
  discoveryStatus,
  proposalsApprove,
  proposalsDismiss,
  proposalsGet,
  proposalsList,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { ProposalsService } from './proposals-service.ts';
import type { StatusService } from './status-service.ts';

export const discoveryBindings = (services: { proposals: ProposalsService; status: StatusService }): Binding[] => {
  const { proposals, status } = services;
  return [
    bind(proposalsList, (call, input) => proposals.list(call, input)),
    bind(proposalsGet, (call, { id }) => proposals.get(call, id)),
    bind(proposalsApprove, (call, input) => proposals.approve(call, input)),
    bind(proposalsDismiss, (call, { id }) => proposals.dismiss(call, id)),
    bind(discoveryRestore, (call, { id }) => proposals.restore(call, id)),
    bind(discoveryRescan, (call, input) => proposals.rescan(call, input)),
    bind(discoveryStatus, (call) => status.status(call)),
  ];
};
