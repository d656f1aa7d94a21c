import { adminOperations } from './admin.ts';
import { agentKeyOperations } from './agent-keys.ts';
import { backupOperations } from './backups.ts';
import { boardOperations } from './boards.ts';
import { certificateOperations } from './certificates.ts';
import { containersOperations } from './containers.ts';
import { deviceOperations } from './devices.ts';
import { diariesOperations } from './diaries.ts';
import { feedOperations } from './diary-feed.ts';
import { federationOperations } from './federation.ts';
import { gatewayOperations } from './gateway.ts';
import { discoveryOperations } from './gateway-discovery.ts';
import { hookOperations } from './hooks.ts';
import { identityOperations } from './identity.ts';
import { inboxOperations } from './inbox.ts';
import { oauthOperations } from './oauth.ts';
import { oauthAdminOperations } from './oauth-admin.ts';
import type { Operation } from './operation.ts';
import { serverOperations, userOperations } from './operators.ts';
import { overviewOperations } from './overview.ts';
import { recipeOperations } from './recipes.ts';
import { scriptOperations } from './scripts.ts';
import { signInOperations } from './sign-in.ts';
import { toolboxOperations } from './toolbox.ts';
import { toolsOperations } from './tools.ts';

/** Every operation, in module order. The server refuses to start when one has no handler. */
export const operations: readonly Operation[] = [
  ...identityOperations,
  ...agentKeyOperations,
  ...signInOperations,
  ...userOperations,
  ...oauthOperations,
  ...oauthAdminOperations,
  ...deviceOperations,
  ...gatewayOperations,
  ...boardOperations,
  ...discoveryOperations,
  ...recipeOperations,
  ...certificateOperations,
  ...toolboxOperations,
  ...containersOperations,
  ...scriptOperations,
  ...toolsOperations,
  ...federationOperations,
  ...diariesOperations,
  ...feedOperations,
  ...inboxOperations,
  ...adminOperations,
  ...backupOperations,
  ...hookOperations,
  ...overviewOperations,
  ...serverOperations,
] as unknown as readonly Operation[];
