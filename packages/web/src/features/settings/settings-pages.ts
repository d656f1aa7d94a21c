import {
  AppWindow,
  Building2,
  CircleUserRound,
  Gauge,
  HatGlasses,
  LogIn,
  ShieldCheck,
  SlidersHorizontal,
  SunMoon,
  Webhook,
} from 'lucide-react';
import type { SectionPage } from '../../app/section-layout.tsx';

export interface SettingsPage extends SectionPage {
  group: 'You' | 'Organisation' | 'Server';
  permission?: string;
  /** For operators of the server alone. */
  operator?: boolean;
}

/** The pages below /settings, in the order of their list. */
export const settingsPages: readonly SettingsPage[] = [
  { to: '/settings/profile', label: 'Profile', hint: 'Your name', icon: CircleUserRound, group: 'You' },
  {
    to: '/settings/security',
    label: 'Security',
    hint: 'Passkeys, second factor, sessions, keys',
    icon: ShieldCheck,
    group: 'You',
  },
  {
    to: '/settings/connected-apps',
    label: 'Connected apps',
    hint: 'What you allowed applications to do',
    icon: AppWindow,
    group: 'You',
  },
  {
    to: '/settings/privacy',
    label: 'Privacy',
    hint: 'Export, deletion of your account',
    icon: HatGlasses,
    group: 'You',
  },
  {
    to: '/settings/preferences',
    label: 'Preferences',
    hint: 'Theme, density, time zone',
    icon: SunMoon,
    group: 'You',
  },
  {
    to: '/settings/organisation',
    label: 'General',
    hint: 'Name, address, deletion',
    icon: Building2,
    group: 'Organisation',
  },
  {
    to: '/settings/rules',
    label: 'House rules',
    hint: 'Corrections, archive, privacy',
    icon: SlidersHorizontal,
    group: 'Organisation',
    permission: 'items.read',
  },
  {
    to: '/settings/hooks',
    label: 'Webhooks in',
    hint: 'Addresses that other systems send to',
    icon: Webhook,
    group: 'Organisation',
    permission: 'webhooks.manage',
  },
  {
    to: '/settings/usage',
    label: 'Usage',
    hint: 'Counts against limits',
    icon: Gauge,
    group: 'Organisation',
    permission: 'org.manage',
  },
  {
    to: '/settings/providers',
    label: 'Sign-in',
    hint: 'Providers people may sign in with',
    icon: LogIn,
    group: 'Server',
    operator: true,
  },
];
