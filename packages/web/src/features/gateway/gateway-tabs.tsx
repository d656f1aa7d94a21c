import { PageTabs } from '../../app/page-tabs.tsx';
import { useCan } from '../../data/session.ts';

/** Rules that lead to apps: the list, what would happen to a request, and what they were before. */
export const RoutesTabs = () => (
  <PageTabs
    label="Routes"
    tabs={[
      { to: '/routes', label: 'Routes' },
      { to: '/routes/test', label: 'Tester' },
      ...(useCan('routes.write') ? [{ to: '/routes/versions', label: 'Versions' }] : []),
    ]}
  />
);

export const TrafficTabs = () => (
  <PageTabs
    label="Traffic"
    tabs={[
      { to: '/traffic', label: 'Figures' },
      { to: '/traffic/log', label: 'Access log' },
    ]}
  />
);
