import { eraseOrg } from '../../platform/db/org-erasure.ts';
import type { Module } from '../../platform/module.ts';
import { emailsStore } from './emails-store.ts';
import { mountPairScript } from './endpoints/pair-script-endpoint.ts';
import { enrolmentsStore } from './enrolments-store.ts';
import { factorsStore } from './factors-store.ts';
import { identityEventFilter } from './identity-events.ts';
import { identityPrompts, identityResources } from './identity-mcp.ts';
import type { Identity } from './index.ts';
import { linksStore } from './links-store.ts';
import { pairingsStore } from './pairings-store.ts';
import { recoveryStore } from './recovery-store.ts';
import { accountRoutes } from './routes/account-routes.ts';
import { agentKeysRoutes } from './routes/agent-keys-routes.ts';
import { agentsRoutes } from './routes/agents-routes.ts';
import { devicesRoutes } from './routes/devices-routes.ts';
import { factorsRoutes } from './routes/factors-routes.ts';
import { invitationsRoutes } from './routes/invitations-routes.ts';
import { loginPages } from './routes/login-pages.ts';
import { membersRoutes } from './routes/members-routes.ts';
import { orgsRoutes } from './routes/orgs-routes.ts';
import { pairPages } from './routes/pair-page.ts';
import { providersRoutes } from './routes/providers-routes.ts';
import { rolesRoutes } from './routes/roles-routes.ts';
import { signInPages } from './routes/sign-in-pages.ts';
import { signInRoutes } from './routes/sign-in-routes.ts';
import { teamsRoutes } from './routes/teams-routes.ts';
import { usersAdminRoutes } from './routes/users-admin-routes.ts';
import { sessionsStore } from './sessions-store.ts';
import { signingRequestsStore } from './signing-requests-store.ts';
import { vouchersStore } from './vouchers-store.ts';

const hourMs = 60 * 60 * 1000;
/** Ended credentials stay for a month, so that somebody who looks into an incident still finds them. */
const keptMs = 30 * 24 * hourMs;

/** An address that somebody added and never proved must not keep its owner from using it. */
const unprovenMs = 7 * 24 * hourMs;

export const identityModule = (identity: Identity): Module => {
  const { services, parts } = identity;
  const { database, clock } = parts;
  return {
    name: 'identity',
    bindings: [
      ...signInRoutes(services),
      ...factorsRoutes(services),
      ...providersRoutes(services),
      ...accountRoutes(services),
      ...orgsRoutes(services),
      ...membersRoutes(services),
      ...rolesRoutes(services),
      ...teamsRoutes(services),
      ...invitationsRoutes(services),
      ...agentsRoutes(services),
      ...agentKeysRoutes(services),
      ...devicesRoutes(services),
      ...usersAdminRoutes(services),
    ],
    resources: identityResources(services),
    prompts: identityPrompts,
    pages: [...loginPages(services), ...signInPages(services), ...pairPages(services)],
    http: mountPairScript,
    eventFilters: [identityEventFilter],
    onEvent: (event) => identity.invalidate(event),
    jobs: [
      { name: 'erase-org', run: ({ org_id }) => eraseOrg(database.read, String(org_id)) },
      {
        name: 'expire-signing-request',
        run: ({ org_id, request_id }) => services.signingRequests.expire(String(org_id), String(request_id)),
      },
      { name: 'send-mail', run: ({ kind, id }) => services.mail.send(String(kind), String(id)) },
    ],
    sweeps: [
      { name: 'devices-offline', every_ms: parts.options.devices.offline_check_ms, run: parts.presence.sweep },
      { name: 'expire-signing-requests', every_ms: 15_000, run: () => services.signingRequests.sweepDue() },
      {
        name: 'purge-credentials',
        every_ms: hourMs,
        run: async () => {
          const now = clock.now();
          const before = new Date(now.getTime() - keptMs);
          await sessionsStore.purge(database.read, before);
          await linksStore.purge(database.read, before);
          await factorsStore.purge(database.read, now);
          await vouchersStore.purge(database.read, now, before);
          await enrolmentsStore.purge(database.read, before);
          await recoveryStore.purge(database.read, now);
          await signingRequestsStore.purge(database.read, before);
          await pairingsStore.purge(database.read, new Date(now.getTime() - hourMs));
          await emailsStore.purge(database.read, new Date(now.getTime() - unprovenMs));
        },
      },
    ],
  };
};
