import {
  apiKeysCreate,
  apiKeysList,
  apiKeysRevoke,
  meChangePassword,
  meGet,
  meUpdate,
  preferencesGet,
  preferencesUpdate,
  sessionsList,
  sessionsRevoke,
  sessionsRevokeOthers,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const accountRoutes = ({ account, sessions, keys }: IdentityServices): Binding[] => [
  bind(meGet, account.get),
  bind(meUpdate, account.update),
  bind(meChangePassword, account.changePassword),
  bind(preferencesGet, account.preferences),
  bind(preferencesUpdate, account.updatePreferences),
  bind(sessionsList, sessions.list),
  bind(sessionsRevoke, sessions.revoke),
  bind(sessionsRevokeOthers, sessions.revokeOthers),
  bind(apiKeysList, keys.list),
  bind(apiKeysCreate, keys.create),
  bind(apiKeysRevoke, keys.revoke),
];
