import { PageTabs } from '../../app/page-tabs.tsx';

/** Servers, and what was done with their tools. */
export const ToolsTabs = () => (
  <PageTabs
    label="Tools"
    tabs={[
      { to: '/tools', label: 'Servers' },
      { to: '/tools/calls', label: 'Calls' },
    ]}
  />
);
