import { Container } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';

const reads = ['containers.list', 'containers.get', 'containers.list_stats', 'apps.list_containers', 'apps.container'];

export const containersFeature: Feature = {
  commands: [
    {
      id: 'go:/containers',
      title: 'Containers',
      group: 'Go to',
      icon: Container,
      keys: 'g k',
      keywords: ['docker', 'kubernetes', 'start', 'stop', 'logs', 'stats', 'containers.list'],
      permission: 'containers.read',
      operator: true,
      run: (_values, go) => go('/containers'),
    },
  ],
  searches: [
    {
      id: 'containers',
      heading: 'Containers',
      permission: 'containers.read',
      operator: true,
      search: async (q, signal) => (await import('./find-containers.ts')).findContainers(q, signal),
    },
  ],
  listen: () => {
    invalidateOn('gateway.container.', reads);
    invalidateOn('gateway.health.', ['containers.list', 'apps.list_containers']);
  },
};
