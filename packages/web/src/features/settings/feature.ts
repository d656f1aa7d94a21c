import { sessionsRevokeOthers } from '@atrium/protocol';
import { Building2, KeyRound, LogOut, Settings } from 'lucide-react';
import { lazy } from 'react';
import { type Command, type Feature, operationCommand } from '../../app/feature.ts';
import { onProofNeeded } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { openCreateOrg } from './create-org-store.ts';
import { newKeyOpen } from './new-key-store.ts';
import { settingsPages } from './settings-pages.ts';
import { askForProof } from './step-up-store.ts';

const pageCommands = settingsPages.map(
  (page): Command => ({
    id: `go:${page.to}`,
    title: `Settings: ${page.label}`,
    group: 'Go to',
    icon: page.icon,
    keywords: [page.hint, page.group],
    ...(page.permission ? { permission: page.permission } : {}),
    run: (_values, go) => go(page.to),
  }),
);

export const settingsFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./overlays.tsx')).SettingsOverlays })),
  nav: [{ to: '/settings', label: 'Settings', icon: Settings, group: 'House', keys: 'g e' }],
  commands: [
    ...pageCommands,
    {
      id: 'orgs.create',
      title: 'New organisation',
      group: 'Organisation',
      icon: Building2,
      keywords: ['tenant', 'workspace', 'orgs.create'],
      run: openCreateOrg,
    },
    {
      id: 'api_keys.create',
      title: 'New API key',
      group: 'You',
      icon: KeyRound,
      keywords: ['token', 'secret', 'api_keys.create'],
      run: (_values, go) => {
        go('/settings/security');
        newKeyOpen.set(true);
      },
    },
    operationCommand(sessionsRevokeOthers, {
      group: 'You',
      title: 'End all other sessions',
      icon: LogOut,
      toInput: () => ({}),
      done: ({ revoked }) => (revoked === 1 ? 'One session is ended' : `${revoked} sessions are ended`),
      invalidates: ['sessions.list'],
    }),
  ],
  listen: () => {
    invalidateOn('identity.org.', ['me.get', 'orgs.get']);
    invalidateOn('identity.session.', ['sessions.list']);
    invalidateOn('identity.key.', ['api_keys.list']);
    invalidateOn('identity.factor.', ['factors.get', 'passkeys.list', 'logins.list', 'personal_keys.list']);
    invalidateOn('identity.passkey.', ['passkeys.list']);
    invalidateOn('identity.signing.', ['signing_requests.list', 'signing_requests.get']);
    invalidateOn('identity.email.', ['emails.list', 'me.get']);
    onProofNeeded(({ methods }) => askForProof(Array.isArray(methods) ? methods.map(String) : []));
    invalidateOn('oauth.consent.', ['connected_apps.list']);
    invalidateOn('oauth.token.revoked', ['connected_apps.list']);
  },
};
