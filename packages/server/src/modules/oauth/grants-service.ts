import type { ConnectedApp } from '@atrium/protocol';
import { notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { IdentityService } from '../identity/index.ts';
import { isDocumentId } from './clients/client-registry.ts';
import type { OauthParts } from './oauth-parts.ts';
import { actorsOf } from './operators/operators-context.ts';
import { type AppRow, grantsStore } from './stores/grants-store.ts';
import type { Endings } from './tokens/endings.ts';

const hostOf = (row: AppRow): string | null => {
  const [redirect] = row.redirect_uris;
  if (isDocumentId(row.client_id)) return new URL(row.client_id).host;
  return redirect !== undefined && URL.canParse(redirect) ? new URL(redirect).host : null;
};

const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

const appView = (row: AppRow, agents: ConnectedApp['agents']): ConnectedApp => ({
  id: row.id,
  client: {
    client_id: row.client_id,
    name: row.client_name ?? hostOf(row) ?? row.client_id,
    host: hostOf(row),
    verified: row.client_origin === 'operator',
  },
  org: { id: row.org_id, name: row.org_name },
  agents,
  scopes: union([row.scopes, ...row.every_scopes]),
  resources: union([row.resources, ...row.every_resources]),
  authorizations: row.authorizations,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
});

/** Applications that a person allowed something, for themselves to see and to stop. */
export const createGrantsService = ({
  database,
  clock,
  identity,
  endings,
}: Pick<OauthParts, 'database' | 'clock'> & { identity: Pick<IdentityService, 'names'>; endings: Endings }) => ({
  list: async (call: Call, input: { limit: number; cursor?: string | undefined }) => {
    const after = timePosition(input.cursor);
    const rows = await grantsStore.appsOf(database.read, call.caller.id, after, input.limit + 1, clock.now());
    const agentsOf = (row: AppRow): string[] => [...new Set(row.actors.filter((id) => id !== null))];
    const actor = await actorsOf(identity.names, rows.flatMap(agentsOf));
    return toPage(
      rows,
      input.limit,
      (row) => ({ value: row.created_at, id: row.id }),
      (row) =>
        appView(
          row,
          agentsOf(row).map((id) => actor(id)!),
        ),
    );
  },

  /** By any of the application's authorizations; all of them end. */
  withdraw: (call: Call, input: { id: string }): Promise<null> =>
    database.transaction(call, async (tx) => {
      const grant = await grantsStore.find(tx.db, input.id);
      if (grant === null || grant.subject !== call.caller.id) throw notFound('The application');
      const { client_id, subject } = grant;
      for (const { id } of await grantsStore.live(tx.db, { client_id, subject }))
        await endings.family(tx, id, clock.now(), 'withdrawn');
      return null;
    }),
});

export type GrantsService = ReturnType<typeof createGrantsService>;
