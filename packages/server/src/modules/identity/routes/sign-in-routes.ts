import {
  authAcceptInvitation,
  authLogin,
  authLogout,
  authPreviewInvitation,
  authRegister,
  authSwitchOrg,
  authTicket,
  setupComplete,
  setupStatus,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const signInRoutes = ({ setup, signIn, sessions, invitations }: IdentityServices): Binding[] => [
  bind(setupStatus, setup.status),
  bind(setupComplete, setup.complete),
  bind(authLogin, signIn.login),
  bind(authRegister, signIn.register),
  bind(authLogout, sessions.logout),
  bind(authSwitchOrg, signIn.switchOrg),
  bind(authTicket, sessions.ticket),
  bind(authPreviewInvitation, invitations.preview),
  bind(authAcceptInvitation, signIn.acceptInvitation),
];
