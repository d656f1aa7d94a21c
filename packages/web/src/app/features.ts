import { agentsFeature } from '../features/agents/feature.ts';
import { auditFeature } from '../features/audit/feature.ts';
import { boardsFeature } from '../features/boards/feature.ts';
import { containersFeature } from '../features/containers/feature.ts';
import { devicesFeature } from '../features/devices/feature.ts';
import { diariesFeature } from '../features/diaries/feature.ts';
import { feedFeature } from '../features/feed/feature.ts';
import { gatewayFeature } from '../features/gateway/feature.ts';
import { inboxFeature } from '../features/inbox/feature.ts';
import { membersFeature } from '../features/members/feature.ts';
import { onboardingFeature } from '../features/onboarding/feature.ts';
import { scriptsFeature } from '../features/scripts/feature.ts';
import { serverFeature } from '../features/server/feature.ts';
import { settingsFeature } from '../features/settings/feature.ts';
import { toolboxFeature } from '../features/toolbox/feature.ts';
import { toolsFeature } from '../features/tools/feature.ts';
import type { Feature } from './feature.ts';

/** Every feature that adds to the frame, in the order of the rail. */
export const features: readonly Feature[] = [
  inboxFeature,
  diariesFeature,
  feedFeature,
  gatewayFeature,
  boardsFeature,
  toolboxFeature,
  containersFeature,
  scriptsFeature,
  toolsFeature,
  devicesFeature,
  onboardingFeature,
  agentsFeature,
  membersFeature,
  auditFeature,
  serverFeature,
  settingsFeature,
];
