import { ScrollText, ShieldAlert } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';

export const auditFeature: Feature = {
  nav: [{ to: '/audit', label: 'Audit', icon: ScrollText, group: 'House', keys: 'g u', permission: 'audit.read' }],
  commands: [
    {
      id: 'audit.refusals',
      title: 'Refused attempts',
      group: 'Audit',
      icon: ShieldAlert,
      keywords: ['denied', 'audit', 'security'],
      permission: 'audit.read',
      run: (_values, go) => go('/audit?action=operation.denied'),
    },
    {
      id: 'audit.sign_ins',
      title: 'Sign-ins',
      group: 'Audit',
      icon: ScrollText,
      keywords: ['login', 'audit'],
      permission: 'audit.read',
      run: (_values, go) => go('/audit?action=auth.*'),
    },
  ],
};
