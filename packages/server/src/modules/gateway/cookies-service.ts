import type { appCookiesDelete, appCookiesList, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { textPosition, toPage } from '../../platform/paging/keyset.ts';
import { cookiesStore } from './cookies-store.ts';
import type { GatewayParts } from './gateway-parts.ts';

/** Cookies of apps that are kept for somebody: their owner sees their names, and nobody their values. */
export const createCookiesService = ({ database, clock }: GatewayParts) => ({
  list: async (
    { caller }: Call,
    input: ParsedInputOf<typeof appCookiesList>,
  ): Promise<OutputOf<typeof appCookiesList>> => {
    const page = { limit: input.limit + 1, after: textPosition(input.cursor) };
    const rows = await cookiesStore.ofPrincipal(database.read, caller.id, caller.org_id, page, clock.now());
    return toPage(
      rows,
      input.limit,
      ({ app, name, path, route_id }) => ({ value: `${app}\u0001${name}\u0001${path}`, id: route_id }),
      ({ app, name, path, expires_at }) => ({ app, name, path, expires_at: expires_at?.toISOString() ?? null }),
    );
  },

  remove: (call: Call, { app }: ParsedInputOf<typeof appCookiesDelete>): Promise<OutputOf<typeof appCookiesDelete>> =>
    database.transaction(call, async (tx) => {
      const deleted = await cookiesStore.remove(tx.db, call.caller.id, call.caller.org_id, app);
      if (deleted > 0) await cookiesStore.tell(tx.db, call.caller.id);
      if (deleted > 0) tx.audit({ action: 'app_cookies.delete', details: { app: app ?? null, deleted } });
      return { deleted };
    }),
});
export type CookiesService = ReturnType<typeof createCookiesService>;
