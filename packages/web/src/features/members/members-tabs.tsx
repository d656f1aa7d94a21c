import { PageTabs } from '../../app/page-tabs.tsx';

export const MembersTabs = () => (
  <PageTabs
    label="Members"
    tabs={[
      { to: '/members', label: 'Members' },
      { to: '/members/roles', label: 'Roles' },
      { to: '/members/teams', label: 'Teams' },
      { to: '/members/invitations', label: 'Invitations' },
    ]}
  />
);
