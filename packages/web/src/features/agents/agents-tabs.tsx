import { PageTabs } from '../../app/page-tabs.tsx';

export const AgentsTabs = () => (
  <PageTabs
    label="Agents"
    tabs={[
      { to: '/agents', label: 'Agents' },
      { to: '/agents/trust', label: 'Trust' },
    ]}
  />
);
