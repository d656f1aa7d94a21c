import { adminOperations } from './admin.ts';
import { agentKeyOperations } from './agent-keys.ts';
import { diariesOperations } from './diaries.ts';
import { identityOperations } from './identity.ts';
import { inboxOperations } from './inbox.ts';
import { oauthOperations } from './oauth.ts';
import { oauthAdminOperations } from './oauth-admin.ts';
import type { Operation } from './operation.ts';
import { serverOperations, userOperations } from './operators.ts';
import { signInOperations } from './sign-in.ts';

/** Every operation, in module order. The server refuses to start when one has no handler. */
export const operations: readonly Operation[] = [
  ...identityOperations,
  ...agentKeyOperations,
  ...signInOperations,
  ...userOperations,
  ...oauthOperations,
  ...oauthAdminOperations,
  ...diariesOperations,
  ...inboxOperations,
  ...adminOperations,
  ...serverOperations,
] as unknown as readonly Operation[];
