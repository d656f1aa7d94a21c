import { clientsList, signingKeysRotate, usersList } from '@atrium/protocol';
import { AppWindow, KeyRound, Server, User } from 'lucide-react';
import { type Command, type Feature, operationCommand } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { peersStale } from './peer-parts.tsx';
import { serverPages } from './server-pages.ts';

const pageCommands = serverPages.map(
  (page): Command => ({
    id: `go:${page.to}`,
    title: `Server: ${page.label}`,
    group: 'Go to',
    icon: page.icon,
    keywords: [page.hint, page.group],
    operator: true,
    run: (_values, go) => go(page.to),
  }),
);

/** What a nudge about each kind of thing makes stale. */
const staleBy = [
  'clients.list',
  'clients.get',
  'tokens.list',
  'grants.list',
  'device_codes.list',
  'approval_requests.list',
  'signing_keys.list',
  'resources.list',
  'trusted_issuers.list',
  'denylist.list',
  'registration_tokens.list',
  'server.overview',
  'server.audit',
  'security_events.list',
];

export const serverFeature: Feature = {
  nav: [{ to: '/server', label: 'Server', icon: Server, group: 'House', keys: 'g o', operator: true }],
  commands: [
    ...pageCommands,
    operationCommand(signingKeysRotate, {
      group: 'Server',
      title: 'Rotate the signing key',
      icon: KeyRound,
      toInput: () => ({}),
      done: () => 'The next key signs from now on',
      invalidates: ['signing_keys.list', 'server.overview'],
    }),
  ],
  searches: [
    {
      id: 'clients',
      heading: 'Clients',
      operator: true,
      search: async (q, signal) =>
        (await call(clientsList, { q, limit: 6 }, { signal })).items.map((client) => ({
          id: client.id,
          label: client.name,
          hint: client.client_id,
          to: `/server/clients/${client.id}`,
          icon: AppWindow,
        })),
    },
    {
      id: 'server-people',
      heading: 'People of the server',
      operator: true,
      search: async (q, signal) =>
        (await call(usersList, { q, limit: 6 }, { signal })).items.map((user) => ({
          id: user.id,
          label: user.name,
          hint: user.email ?? '',
          to: '/server/people',
          icon: User,
        })),
    },
  ],
  listen: () => {
    invalidateOn('oauth.admin.changed', staleBy);
    invalidateOn('admin.backup.', ['backups.list', 'backups.get', 'backups.get_schedule']);
    invalidateOn('gateway.peer.', peersStale);
    invalidateOn('gateway.certificate.', ['certificates.list', 'certificates.get', 'certificates.suggest']);
    invalidateOn('identity.user.updated', [
      'users.list',
      'users.get',
      'user_sessions.list',
      'me.get',
      'server.overview',
      'server.audit',
      'security_events.list',
    ]);
  },
};
