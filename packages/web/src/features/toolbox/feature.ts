import { toolboxDeploymentsList, toolboxTemplatesList } from '@atrium/protocol';
import { Package, PackagePlus } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
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
      search: async (q, signal) => {
        const [installed, templates] = await Promise.all([
          call(toolboxDeploymentsList, { limit: 50 }, { signal }),
          call(toolboxTemplatesList, { q, limit: 6 }, { signal }),
        ]);
        const wanted = q.toLowerCase();
        return [
          ...installed.items
            .filter(({ name, template }) => `${name} ${template.name}`.toLowerCase().includes(wanted))
            .map(({ id, name, template }) => ({
              ...{ id, label: name, hint: template.name, to: `/toolbox/installed/${id}`, icon: Package },
            })),
          ...templates.items.map(({ id, name, category }) => ({
            ...{ id: `template ${id}`, label: `Install ${name}`, hint: category },
            ...{ to: `/toolbox/templates/${id}`, icon: PackagePlus },
          })),
        ].slice(0, 6);
      },
    },
  ],
  listen: () => {
    invalidateOn('gateway.deployment.', deploymentReads);
  },
};
