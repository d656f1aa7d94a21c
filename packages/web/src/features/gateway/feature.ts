import { ChartNoAxesColumn, LayoutGrid, Plus, Radar, RefreshCw, Waypoints } from 'lucide-react';
import { lazy } from 'react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';
import { openAddApp } from './add-app-store.ts';
import { appReads, configReads, proposalReads } from './gateway-changes.ts';

const finds = () => import('./palette-finds.ts');

export const gatewayFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./overlays.tsx')).GatewayOverlays })),
  nav: [
    {
      to: '/services',
      label: 'Services',
      icon: LayoutGrid,
      group: 'Things',
      keys: 'g v',
      permission: 'apps.open',
      phone: 4,
    },
    { to: '/routes', label: 'Routes', icon: Waypoints, group: 'Things', keys: 'g r', permission: 'routes.read' },
    { to: '/found', label: 'Found', icon: Radar, group: 'Things', keys: 'g f', permission: 'discovery.decide' },
    {
      to: '/traffic',
      label: 'Traffic',
      icon: ChartNoAxesColumn,
      group: 'Things',
      keys: 'g l',
      permission: 'gateway.view',
    },
  ],
  commands: [
    {
      id: 'apps.create',
      title: 'Add an app',
      group: 'Services',
      icon: Plus,
      keywords: ['new', 'route', 'service', 'apps.create'],
      permission: 'routes.write',
      run: () => openAddApp(),
    },
    {
      id: 'routes.test',
      title: 'Test a route',
      group: 'Services',
      icon: Waypoints,
      keywords: ['gate', 'verdict', 'routes.test'],
      permission: 'routes.read',
      arguments: [{ name: 'url', label: 'Address', placeholder: 'https://…' }],
      run: ({ url }, go) => go(url ? `/routes/test?url=${encodeURIComponent(url)}` : '/routes/test'),
    },
    {
      id: 'discovery.rescan',
      title: 'Look for services again',
      group: 'Services',
      icon: RefreshCw,
      keywords: ['rescan', 'docker', 'discovery.rescan'],
      permission: 'discovery.decide',
      run: async () => (await finds()).lookAgain(),
    },
    {
      id: 'go:/routes/versions',
      title: 'Versions of apps and routes',
      group: 'Go to',
      icon: Waypoints,
      keywords: ['history', 'rollback', 'export', 'dry run', 'gateway.list_versions'],
      permission: 'routes.write',
      run: (_values, go) => go('/routes/versions'),
    },
    {
      id: 'go:/traffic/log',
      title: 'Access log',
      group: 'Go to',
      icon: ChartNoAxesColumn,
      keywords: ['requests', 'tail', 'gateway.access_log'],
      permission: 'gateway.view',
      run: (_values, go) => go('/traffic/log'),
    },
  ],
  searches: [
    {
      id: 'services',
      heading: 'Services',
      permission: 'apps.open',
      search: async (q, signal) => (await finds()).findApps(q, signal),
    },
    {
      id: 'routes',
      heading: 'Routes',
      permission: 'routes.read',
      search: async (q, signal) => (await finds()).findRoutes(q, signal),
    },
  ],
  listen: () => {
    invalidateOn('gateway.', appReads);
    invalidateOn('gateway.proposal.', proposalReads);
    invalidateOn('gateway.discovery.', proposalReads);
    invalidateOn('gateway.route.', configReads);
    invalidateOn('gateway.app.', configReads);
    invalidateOn('gateway.config.', configReads);
  },
};
