import { agentsCreate, agentsDelete, agentsGet, agentsList, agentsRotateKey, agentsUpdate } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const agentsRoutes = ({ agents }: IdentityServices): Binding[] => [
  bind(agentsList, agents.list),
  bind(agentsCreate, agents.create),
  bind(agentsGet, agents.get),
  bind(agentsUpdate, agents.update),
  bind(agentsDelete, agents.delete),
  bind(agentsRotateKey, agents.rotateKey),
];
