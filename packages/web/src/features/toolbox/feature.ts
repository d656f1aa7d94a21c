import { Package, PackagePlus } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';
import { deploymentReads } from './toolbox-words.ts';

export const toolboxFeature: Feature = {
  nav: [
    { to: '/toolbox', label: 'Toolbox', icon: PackagePlus, group: 'Things', keys: 'g b', permission: 'toolbox.deploy' },
  ],
  commands: [
    {
      id: 'toolbox.deploy',
      title: 'Install an application',
      group: 'Toolbox',
      icon: PackagePlus,
      keywords: ['docker', 'compose', 'template', 'deploy', 'toolbox.deploy'],
      permission: 'toolbox.deploy',
      run: (_values, go) => go('/toolbox'),
    },
    {
      id: 'go:/toolbox/installed',
      title: 'Installed applications',
      group: 'Go to',
      icon: Package,
      keywords: ['deployments', 'containers', 'toolbox.list_deployments'],
      permission: 'toolbox.deploy',
      run: (_values, go) => go('/toolbox/installed'),
    },
  ],
  searches: [
    {
      id: 'toolbox',
      heading: 'Toolbox',
      permission: 'toolbox.deploy',
      search: async (q, signal) => (await import('./palette-finds.ts')).findInToolbox(q, signal),
    },
  ],
  listen: () => {
    invalidateOn('gateway.deployment.', deploymentReads);
  },
};
