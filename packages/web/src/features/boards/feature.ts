import { LayoutDashboard } from 'lucide-react';
import { lazy } from 'react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';
import { boardReads, openNewBoard } from './board-stores.ts';

export const boardsFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./overlays.tsx')).BoardOverlays })),
  commands: [
    {
      id: 'boards.create',
      title: 'New board',
      group: 'Services',
      icon: LayoutDashboard,
      keywords: ['launcher', 'dashboard', 'boards.create'],
      permission: 'apps.open',
      run: () => openNewBoard(),
    },
  ],
  searches: [
    {
      id: 'boards',
      heading: 'Boards',
      permission: 'apps.open',
      search: async (q, signal) => (await import('./palette-finds.ts')).findBoards(q, signal),
    },
  ],
  listen: () => {
    invalidateOn('gateway.board.', boardReads);
    // Tiles show how their apps are.
    for (const prefix of ['gateway.app.', 'gateway.route.', 'gateway.health.']) invalidateOn(prefix, ['boards.get']);
  },
};
