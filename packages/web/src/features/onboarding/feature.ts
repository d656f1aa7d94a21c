import { Cable, Sparkle } from 'lucide-react';
import { lazy } from 'react';
import type { Feature } from '../../app/feature.ts';
import { openConnect } from './connect-store.ts';

export const onboardingFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./connect-dialog.tsx')).ConnectDialog })),
  commands: [
    {
      id: 'onboarding.connect',
      title: 'Connect an agent',
      group: 'Agents',
      icon: Cable,
      keywords: ['new agent', 'create agent', 'key', 'mcp', 'claude', 'cursor', 'agents.create'],
      permission: 'agents.manage',
      run: openConnect,
    },
    {
      id: 'onboarding.welcome',
      title: 'First steps',
      group: 'Go to',
      icon: Sparkle,
      keywords: ['welcome', 'onboarding', 'test question'],
      run: (_values, go) => go('/welcome'),
    },
  ],
};
