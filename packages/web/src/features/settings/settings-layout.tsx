import { hasPermission } from '@atrium/protocol';
import { SectionIndex, SectionLayout } from '../../app/section-layout.tsx';
import { useMe } from '../../data/session.ts';
import { type SettingsPage, settingsPages } from './settings-pages.ts';

const useSection = () => {
  const { permissions, org, is_operator } = useMe();
  const pages = settingsPages.filter(
    (page) => (!page.permission || hasPermission(permissions, page.permission)) && (!page.operator || is_operator),
  );
  const groups = (['You', 'Organisation', 'Server'] as const)
    .map((group): [string, SettingsPage[]] => [
      group === 'Organisation' ? org.name : group,
      pages.filter((page) => page.group === group),
    ])
    .filter(([, shown]) => shown.length > 0);
  return { title: 'Settings', groups };
};

export const SettingsLayout = () => <SectionLayout {...useSection()} />;

export const SettingsIndex = () => <SectionIndex {...useSection()} address="/settings" />;
