import { SquareTerminal } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';
import { scriptReads } from './script-words.ts';

export const scriptsFeature: Feature = {
  nav: [
    { to: '/scripts', label: 'Scripts', icon: SquareTerminal, group: 'Things', keys: 'g x', permission: 'scripts.run' },
  ],
  commands: [
    {
      id: 'go:/scripts/runs',
      title: 'Runs of scripts',
      group: 'Go to',
      icon: SquareTerminal,
      keywords: ['output', 'log', 'script_runs.list'],
      permission: 'scripts.run',
      run: (_values, go) => go('/scripts/runs'),
    },
    {
      id: 'go:/scripts/schedules',
      title: 'Schedules of scripts',
      group: 'Go to',
      icon: SquareTerminal,
      keywords: ['cron', 'script_schedules.list'],
      permission: 'scripts.run',
      run: (_values, go) => go('/scripts/schedules'),
    },
  ],
  listen: () => invalidateOn('gateway.script.', scriptReads),
};
