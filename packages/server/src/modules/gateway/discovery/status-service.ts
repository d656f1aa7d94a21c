import type { discoveryStatus, OutputOf } from '@atrium/protocol';
import type { Call } from '../../../platform/operations/call.ts';
import type { DiscoveryParts } from './discovery-parts.ts';
import { providersStore } from './providers-store.ts';

/** How discovery is doing, for the organisation that it tells and for operators. */
export const createStatusService = (parts: DiscoveryParts, enabled: () => boolean) => ({
  status: async ({ caller }: Call): Promise<OutputOf<typeof discoveryStatus>> => {
    const told = caller.is_operator || (await parts.orgOf()) === caller.org_id;
    if (!told || !enabled()) return { enabled: told && enabled(), providers: [] };
    const rows = await providersStore.list(parts.database.read);
    return {
      enabled: true,
      providers: rows.map(({ updated_at: _at, last_event_at, next_attempt_at, ...row }) => ({
        ...row,
        last_event_at: last_event_at?.toISOString() ?? null,
        next_attempt_at: next_attempt_at?.toISOString() ?? null,
      })),
    };
  },
});

export type StatusService = ReturnType<typeof createStatusService>;
