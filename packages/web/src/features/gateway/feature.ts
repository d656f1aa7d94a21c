import { appsList, discoveryRescan, routesList } from '@atrium/protocol';
import {
  AppWindow,
  ChartNoAxesColumn,
  LayoutGrid,
  Link2,
  Plus,
  Radar,
  RefreshCw,
  Route,
  Waypoints,
} from 'lucide-react';
import { lazy } from 'react';
import { type Feature, operationCommand } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { openAddApp } from './add-app-store.ts';
import { appReads, configReads, proposalReads } from './gateway-changes.ts';
import { addressOf, shortAddress } from './gateway-words.ts';

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
      icon: Route,
      keywords: ['gate', 'verdict', 'routes.test'],
      permission: 'routes.read',
      arguments: [{ name: 'url', label: 'Address', placeholder: 'https://…' }],
      run: ({ url }, go) => go(url ? `/routes/test?url=${encodeURIComponent(url)}` : '/routes/test'),
    },
    operationCommand(discoveryRescan, {
      group: 'Services',
      title: 'Look for services again',
      icon: RefreshCw,
      toInput: () => ({}),
      done: ({ providers }) => (providers.length === 0 ? 'No provider runs' : `Asked ${providers.join(', ')}`),
      invalidates: proposalReads,
    }),
    {
      id: 'go:/routes/versions',
      title: 'Versions of apps and routes',
      group: 'Go to',
      icon: Link2,
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
      search: async (q, signal) =>
        (await call(appsList, { q, limit: 6 }, { signal })).items.flatMap((app) => {
          const address = addressOf(app);
          return address === null
            ? []
            : [{ id: app.id, label: app.name, hint: shortAddress(address), to: address, icon: AppWindow }];
        }),
    },
    {
      id: 'routes',
      heading: 'Routes',
      permission: 'routes.read',
      search: async (q, signal) =>
        (await call(routesList, { q, limit: 6 }, { signal })).items.map((route) => ({
          id: route.id,
          label: route.slug,
          hint: shortAddress(route.addresses[0] ?? ''),
          to: `/routes/${route.id}`,
          icon: Waypoints,
        })),
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
