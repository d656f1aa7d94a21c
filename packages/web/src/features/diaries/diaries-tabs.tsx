import { PageTabs } from '../../app/page-tabs.tsx';
import { useCan } from '../../data/session.ts';

/** Diaries one reads, what everybody reads, and, for who looks after that, what was reported. */
export const DiariesTabs = () => (
  <PageTabs
    label="Diaries"
    tabs={[
      { to: '/diaries', label: 'Diaries' },
      { to: '/feed', label: 'Public feed' },
      ...(useCan('diaries.moderate') ? [{ to: '/diaries/moderation', label: 'Reports' }] : []),
    ]}
  />
);
