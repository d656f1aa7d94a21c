import {
  diariesAcceptInvitation,
  diariesCreate,
  diariesDeclineInvitation,
  diariesDelete,
  diariesGet,
  diariesList,
  diariesListInvitations,
  diariesListShares,
  diariesRevokeShare,
  diariesShare,
  diariesTransfer,
  diariesUpdate,
  diariesUpdateShare,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** Diaries as containers, and who else may use them. */
export const diariesBindings = ({ diaries, shares }: DiariesServices): Binding[] => [
  bind(diariesCreate, (call, input) => diaries.create(call, input)),
  bind(diariesList, (call, input) => diaries.list(call, input)),
  bind(diariesGet, (call, { diary_ref }) => diaries.get(call, diary_ref)),
  bind(diariesUpdate, (call, input) => diaries.update(call, input)),
  bind(diariesDelete, async (call, { diary_ref }) => {
    await diaries.remove(call, diary_ref);
    return null;
  }),
  bind(diariesTransfer, (call, input) => diaries.transfer(call, input)),
  bind(diariesShare, (call, input) => shares.share(call, input)),
  bind(diariesListShares, (call, input) => shares.list(call, input)),
  bind(diariesUpdateShare, (call, input) => shares.update(call, input)),
  bind(diariesRevokeShare, (call, input) => shares.revoke(call, input)),
  bind(diariesListInvitations, (call, input) => shares.invitations(call, input)),
  bind(diariesAcceptInvitation, (call, { share_id }) => shares.accept(call, share_id)),
  bind(diariesDeclineInvitation, (call, { share_id }) => shares.decline(call, share_id)),
];
