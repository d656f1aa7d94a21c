import { toolboxDeploymentsList, toolboxTemplatesList } from '@atrium/protocol';
import { Package, PackagePlus } from 'lucide-react';
import type { FoundObject } from '../../app/feature.ts';
import { call } from '../../data/client.ts';

/** What is installed by that name, then what could be. */
export const findInToolbox = async (q: string, signal: AbortSignal): Promise<FoundObject[]> => {
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
};
