import { Wrench } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';
import { toolReads } from './tool-words.ts';

export const toolsFeature: Feature = {
  nav: [{ to: '/tools', label: 'Tools', icon: Wrench, group: 'Things', keys: 'g p', permission: 'tools.use' }],
  commands: [
    {
      id: 'go:/tools/calls',
      title: 'Calls of tools',
      group: 'Go to',
      icon: Wrench,
      keywords: ['audit', 'mcp', 'tool_calls.list'],
      permission: 'tools.use',
      run: (_values, go) => go('/tools/calls'),
    },
  ],
  listen: () => invalidateOn('tools.', toolReads),
};
