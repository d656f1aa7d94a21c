import { verify } from '@node-rs/argon2';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import type { GateParts } from './gate-parts.ts';
import { gatewayShareEvents } from './share-events.ts';
import { type ShareRow, sharesStore } from './shares-store.ts';
import { visitsStore } from './visits-store.ts';

const minute = 60_000;
/** Wrong secrets of one share, wherever they come from: addresses are cheap. */
const guesses = { limit: 5, window_ms: 15 * minute };
export const codeMs = minute;

/** How somebody comes in by a share link: who holds it, with its secret where it has one. */
export const createShareEntry = ({ database, clock, limiter }: Pick<GateParts, 'database' | 'clock' | 'limiter'>) => {
  const callFor = (
    route: Pick<RouteSnapshot, 'org_id'>,
    from: { request_id: string; address: string | null },
  ): Call => ({
    ...internalCall(systemCaller({ id: route.org_id }), from.request_id),
    door: 'rest',
    ip: from.address,
  });

  const take = async (tx: Transaction, share: ShareRow): Promise<ShareRow | null> => {
    const used = await sharesStore.use(tx.db, share.id, clock.now());
    if (used === null) return null;
    tx.emit({ kind: gatewayShareEvents.used, id: share.id, body: { route_id: share.route_id, uses: used.uses } });
    tx.audit({
      action: 'routes.use_share',
      target_type: 'share',
      target_id: share.id,
      details: { route_id: share.route_id, name: share.name, uses: used.uses },
    });
    return used;
  };

  const visit = (share: ShareRow, host: string) => ({
    id: newId(),
    org_id: share.org_id,
    route_id: share.route_id,
    host,
    of: { share_id: share.id },
    at: clock.now(),
    ends_at: share.expires_at,
  });

  return {
    /** A share of this route that is still good. */
    find: async (token: string, routeId: string): Promise<ShareRow | null> => {
      if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return null;
      const share = await sharesStore.findGood(database.read, hashToken(token), clock.now());
      return share?.route_id === routeId ? share : null;
    },

    /** Takes a use and gives the cookie for it; null when somebody else took the last one. */
    open: (
      share: ShareRow,
      at: { host: string; request_id: string; address: string | null },
    ): Promise<{ cookie: string; ends_at: Date } | null> =>
      database.transaction(callFor(share, at), async (tx) => {
        if ((await take(tx, share)) === null) return null;
        const cookie = newToken();
        await visitsStore.open(tx.db, visit(share, at.host), hashToken(cookie));
        return { cookie, ends_at: share.expires_at };
      }),

    /** Takes a use and gives a code that the host turns into its cookie. */
    handOver: (
      share: ShareRow,
      at: { host: string; browser_hash: string; request_id: string; address: string | null },
    ): Promise<string | null> =>
      database.transaction(callFor(share, at), async (tx) => {
        if ((await take(tx, share)) === null) return null;
        const code = newToken();
        await visitsStore.handOver(tx.db, visit(share, at.host), {
          code_hash: hashToken(code),
          browser_hash: at.browser_hash,
          until: new Date(clock.now().getTime() + codeMs),
        });
        return code;
      }),

    /** Counts before it looks, so that many tries at once do not all pass; the right secret is given back. */
    proves: async (share: ShareRow, secret: string): Promise<boolean> => {
      if (share.secret_hash === null) return true;
      const hit = { bucket: 'gateway.share', key: share.id, ...guesses };
      const { allowed, retry_after_ms } = await limiter.hit(hit);
      if (!allowed) {
        const retry_after = Math.ceil(retry_after_ms / 1000);
        throw new AppError('rate_limited', `Too many attempts; try again in ${retry_after} seconds.`, {
          extensions: { retry_after },
        });
      }
      if (await verify(share.secret_hash, secret.normalize('NFKC'))) {
        await limiter.hit({ ...hit, cost: -1 });
        return true;
      }
      await sharesStore.countFailure(database.read, share.id);
      return false;
    },
  };
};

export type ShareEntry = ReturnType<typeof createShareEntry>;
