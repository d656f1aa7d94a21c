import {
  userSessionsList,
  userSessionsRevoke,
  usersCreate,
  usersDisable,
  usersEnable,
  usersGet,
  usersList,
  usersResetFactors,
  usersResetPassword,
  usersSetOperator,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const usersAdminRoutes = ({ usersAdmin }: IdentityServices): Binding[] => [
  bind(usersList, usersAdmin.list),
  bind(usersGet, usersAdmin.get),
  bind(usersCreate, usersAdmin.create),
  bind(usersEnable, usersAdmin.enable),
  bind(usersDisable, usersAdmin.disable),
  bind(usersSetOperator, usersAdmin.setOperator),
  bind(usersResetPassword, usersAdmin.resetPassword),
  bind(usersResetFactors, usersAdmin.resetFactors),
  bind(userSessionsList, usersAdmin.sessions),
  bind(userSessionsRevoke, usersAdmin.revokeSession),
];
