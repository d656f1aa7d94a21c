import { PageTabs } from '../../app/page-tabs.tsx';
import { mayUse, useCan, useMe } from '../../data/session.ts';
import { LauncherTabs } from '../boards/launcher-tabs.tsx';

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

/** What people open, as they put it together, and what it runs in. */
export const ServicesTabs = () => {
  const me = useMe();
  return <LauncherTabs operates={mayUse(me, { permission: 'containers.read', operator: true })} />;
};

/** Files that may be run: what there is, what ran, one after another, and at times. */
export const ScriptsTabs = () => (
  <PageTabs
    label="Scripts"
    tabs={[
      { to: '/scripts', label: 'Scripts' },
      { to: '/scripts/runs', label: 'Runs' },
      { to: '/scripts/chains', label: 'Chains' },
      { to: '/scripts/schedules', label: 'Schedules' },
    ]}
  />
);
