import { invitationsCreate, invitationsList, invitationsRevoke } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const invitationsRoutes = ({ invitations }: IdentityServices): Binding[] => [
  bind(invitationsList, invitations.list),
  bind(invitationsCreate, invitations.create),
  bind(invitationsRevoke, invitations.revoke),
];
