import { randomInt } from 'node:crypto';
import type { OutputOf, ParsedInputOf, sharesCreate, sharesList, sharesRevoke } from '@atrium/protocol';
import { hash } from '@node-rs/argon2';
import { invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import type { GateParts } from './gate-parts.ts';
import { shareParameter } from './gate-service.ts';
import { gatewayShareEvents } from './share-events.ts';
import { type ShareRow, sharesStore } from './shares-store.ts';

type View = OutputOf<typeof sharesList>['items'][number];

/** Argon2id, as OWASP has it for servers that verify often. */
const cost = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';

const viewOf = (row: ShareRow): View => ({
  id: row.id,
  route_id: row.route_id,
  name: row.name,
  kind: row.kind,
  uses: row.uses,
  max_uses: row.max_uses,
  expires_at: row.expires_at.toISOString(),
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  revoked_at: row.revoked_at?.toISOString() ?? null,
});

/** The PIN or passcode as it will be typed: the given one, or one that is made. */
const secretOf = ({ kind, secret }: Pick<ParsedInputOf<typeof sharesCreate>, 'kind' | 'secret'>): string | null => {
  if (kind === 'link') {
    if (secret !== undefined) throw invalid('secret', 'a link of kind `link` has none');
    return null;
  }
  if (kind === 'pin') {
    if (secret !== undefined && !/^\d{4,12}$/.test(secret)) throw invalid('secret', 'must be 4 to 12 digits');
    return secret ?? String(randomInt(1_000_000)).padStart(6, '0');
  }
  if (secret !== undefined && secret.length < 8) throw invalid('secret', 'must have 8 characters or more');
  return secret ?? Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('');
};

/** Links that open one route to whoever has them. */
export const createSharesService = ({
  database,
  clock,
  public_url,
  forget,
}: Pick<GateParts, 'database' | 'clock' | 'public_url'> & {
  /** Ends what runs by a share, in this process; the event does it elsewhere. */
  forget: (fact: { kind: string; id: string; org_id: string }) => void;
}) => {
  const addressOf = ({ host, path }: { host: string; path: string }): string => {
    const own = new URL(public_url());
    if (host === '') return `${own.origin}${path}`;
    return `${own.protocol}//${host}${own.port === '' ? '' : `:${own.port}`}${path}`;
  };

  const routeOf = async (call: Call, id: string, db = database.read) => {
    const route = await sharesStore.route(db, call.caller.org_id, id);
    if (route === null) throw notFound('The route');
    return route;
  };

  return {
    list: async (call: Call, input: ParsedInputOf<typeof sharesList>): Promise<OutputOf<typeof sharesList>> => {
      await routeOf(call, input.id);
      const after = timePosition(input.cursor);
      const rows = await sharesStore.page(database.read, call.caller.org_id, input.id, after, input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), viewOf);
    },

    create: async (call: Call, input: ParsedInputOf<typeof sharesCreate>): Promise<OutputOf<typeof sharesCreate>> => {
      const secret = secretOf(input);
      // Before the transaction: it takes longer than a lock should be held.
      const secret_hash = secret === null ? null : await hash(secret.normalize('NFKC'), cost);
      return database.transaction(call, async (tx) => {
        const route = await routeOf(call, input.id, tx.db);
        const token = newToken();
        const [id, at, by] = [newId(), clock.now(), actorOf(call.caller)];
        const { name, kind, max_uses, expires_in } = input;
        const row = {
          ...{ id, org_id: call.caller.org_id, route_id: route.id, name, kind, secret_hash, max_uses, created_at: at },
          expires_at: new Date(at.getTime() + expires_in * 1000),
          ...{ created_by_type: by.type, created_by_id: by.id, created_by_name: by.name },
        };
        await sharesStore.insert(tx.db, { ...row, token_hash: hashToken(token) });
        tx.emit({ kind: gatewayShareEvents.created, id, body: { route_id: route.id, name, kind } });
        tx.audit({
          action: 'routes.share',
          target_type: 'share',
          target_id: id,
          details: { route: route.slug, name, kind, max_uses, expires_at: row.expires_at.toISOString() },
        });
        const url = `${addressOf(route)}?${shareParameter}=${token}`;
        return { ...viewOf({ ...row, uses: 0, revoked_at: null }), url, secret };
      });
    },

    revoke: (call: Call, input: ParsedInputOf<typeof sharesRevoke>): Promise<null> =>
      database.transaction(call, async (tx) => {
        const { org_id } = call.caller;
        const row = await sharesStore.revoke(tx.db, org_id, input.id, input.share_id, clock.now());
        if (row === null) throw notFound('The share link');
        const { id, route_id, name } = row;
        tx.emit({ kind: gatewayShareEvents.revoked, id, body: { route_id, name } });
        tx.audit({ action: 'routes.revoke_share', target_type: 'share', target_id: id, details: { name } });
        tx.afterCommit(() => forget({ kind: gatewayShareEvents.revoked, id, org_id }));
        return null;
      }),
  };
};

export type SharesService = ReturnType<typeof createSharesService>;
