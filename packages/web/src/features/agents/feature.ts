import { agentsList, agentsUpdate } from '@atrium/protocol';
import { Bot, Power, PowerOff } from 'lucide-react';
import { type CommandArgument, type Feature, operationCommand } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';

const agentArgument = (active: boolean): CommandArgument => ({
  name: 'id',
  label: 'Agent',
  placeholder: 'Which agent',
  options: async () =>
    (await call(agentsList, { limit: 200 })).items
      .filter((agent) => (agent.deactivated_at === null) === active)
      .map((agent) => ({ value: agent.id, label: agent.name })),
});

export const agentsFeature: Feature = {
  nav: [
    { to: '/agents', label: 'Agents', icon: Bot, group: 'People', keys: 'g a', permission: 'items.read', phone: 3 },
  ],
  commands: [
    {
      ...operationCommand(agentsUpdate, {
        group: 'Agents',
        title: 'Deactivate an agent',
        icon: PowerOff,
        arguments: [agentArgument(true)],
        toInput: ({ id }) => ({ id: id!, active: false }),
        done: (agent) => `${agent.name} is deactivated; its calls are refused`,
        invalidates: ['agents.list', 'agents.get'],
      }),
      id: 'agents.deactivate',
    },
    {
      ...operationCommand(agentsUpdate, {
        group: 'Agents',
        title: 'Activate an agent',
        icon: Power,
        arguments: [agentArgument(false)],
        toInput: ({ id }) => ({ id: id!, active: true }),
        done: (agent) => `${agent.name} may call again`,
        invalidates: ['agents.list', 'agents.get'],
      }),
      id: 'agents.activate',
    },
  ],
  searches: [
    {
      id: 'agents',
      heading: 'Agents',
      permission: 'items.read',
      search: async (q, signal) =>
        (await call(agentsList, { q, limit: 6 }, { signal })).items.map((agent) => ({
          id: agent.id,
          label: agent.name,
          hint: agent.owner.name,
          to: `/agents/${agent.id}`,
          icon: Bot,
        })),
    },
  ],
  listen: () => {
    invalidateOn('identity.agent.', ['agents.list', 'agents.get']);
  },
};
