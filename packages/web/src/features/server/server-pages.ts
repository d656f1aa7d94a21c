import {
  Activity,
  AppWindow,
  Archive,
  Ban,
  ChartLine,
  Fingerprint,
  Gauge,
  Handshake,
  KeyRound,
  Landmark,
  MonitorSmartphone,
  ScrollText,
  ShieldCheck,
  Target,
  Ticket,
  TicketPlus,
  UserCheck,
  Users,
  Waypoints,
} from 'lucide-react';
import type { SectionPage } from '../../app/section-layout.tsx';

interface ServerPage extends SectionPage {
  group: 'Server' | 'Access' | 'People' | 'Trust';
}

/** The pages below /server, in the order of their list. */
export const serverPages: readonly ServerPage[] = [
  { to: '/server/overview', label: 'Overview', hint: 'Figures and what happened', icon: Gauge, group: 'Server' },
  { to: '/server/metrics', label: 'Metrics', hint: 'Load, latency and limits', icon: ChartLine, group: 'Server' },
  { to: '/server/events', label: 'Security events', hint: 'As they happen', icon: Activity, group: 'Server' },
  { to: '/server/trail', label: 'Audit trail', hint: 'Across organisations', icon: ScrollText, group: 'Server' },
  { to: '/server/backups', label: 'Backups', hint: 'Made, tested, brought back', icon: Archive, group: 'Server' },
  { to: '/server/clients', label: 'Clients', hint: 'Software that asks for tokens', icon: AppWindow, group: 'Access' },
  { to: '/server/tokens', label: 'Tokens', hint: 'What was issued', icon: Ticket, group: 'Access' },
  { to: '/server/grants', label: 'Grants', hint: 'What people allowed', icon: Handshake, group: 'Access' },
  {
    to: '/server/device-codes',
    label: 'Device codes',
    hint: 'Sign-ins that wait',
    icon: MonitorSmartphone,
    group: 'Access',
  },
  {
    to: '/server/approvals',
    label: 'Approvals',
    hint: 'What clients ask people',
    icon: UserCheck,
    group: 'Access',
  },
  {
    to: '/server/registration',
    label: 'Registration tokens',
    hint: 'Clients that register themselves',
    icon: TicketPlus,
    group: 'Access',
  },
  { to: '/server/people', label: 'People', hint: 'Accounts of the whole server', icon: Users, group: 'People' },
  { to: '/server/sessions', label: 'Sessions', hint: 'Who is signed in', icon: Fingerprint, group: 'People' },
  { to: '/server/keys', label: 'Signing keys', hint: 'Rotation and grace', icon: KeyRound, group: 'Trust' },
  { to: '/server/certificates', label: 'Certificates', hint: 'What TLS shows', icon: ShieldCheck, group: 'Trust' },
  { to: '/server/peers', label: 'Peers', hint: 'Linked servers and shared apps', icon: Waypoints, group: 'Trust' },
  { to: '/server/resources', label: 'Resources', hint: 'Protected audiences', icon: Target, group: 'Trust' },
  {
    to: '/server/issuers',
    label: 'Trusted issuers',
    hint: 'Assertions from elsewhere',
    icon: Landmark,
    group: 'Trust',
  },
  { to: '/server/denylist', label: 'Denied addresses', hint: 'Ranges that get no answer', icon: Ban, group: 'Trust' },
];

export const serverGroups = ['Server', 'Access', 'People', 'Trust'] as const;
