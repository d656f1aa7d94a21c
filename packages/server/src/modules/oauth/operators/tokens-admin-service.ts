import type { GrantView, grantsList, ParsedInputOf, TokenView, tokensList } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { notFound } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import { grantsStore } from '../stores/grants-store.ts';
import { type ListedGrantRow, type ListedTokenRow, operatorListsStore } from '../stores/operator-lists-store.ts';
import { createOperatorAct, type OperatorsContext, time, timeOrNull } from './operators-context.ts';

interface Named {
  client_id: string;
  client_name: string | null;
  subject: string;
  org_id: string | null;
}

/** Who acts, the nearest first, by the nesting of RFC 8693, section 4.1. */
const actorsIn = (act: Record<string, unknown> | null): string[] => {
  const found: string[] = [];
  for (let one = act; one != null; one = (one['act'] ?? null) as Record<string, unknown> | null)
    if (typeof one['sub'] === 'string') found.push(one['sub']);
  return found;
};

/** Access tokens and grants of the whole server. */
export const createTokensAdminService = (context: OperatorsContext) => {
  const { database, clock, endings, identity } = context;
  const act = createOperatorAct(context);

  /** Names of everything that rows name by id, in two questions for a page. */
  const namesOf = async <Row extends Named>(rows: readonly Row[], actorsOf: (row: Row) => readonly string[]) => {
    const [principals, orgs] = await Promise.all([
      identity.names.principals(rows.flatMap((row) => [row.subject, ...actorsOf(row)])),
      identity.names.orgs(rows.flatMap((row) => row.org_id ?? [])),
    ]);
    const clientName = (row: Named): string => row.client_name ?? principals.get(row.subject)?.name ?? row.client_id;
    return {
      client: (row: Named) => ({ id: row.client_id, name: clientName(row) }),
      subject: (row: Named) => {
        const known = principals.get(row.subject);
        return known === undefined
          ? { id: row.subject, type: 'client' as const, name: clientName(row) }
          : { id: row.subject, ...known };
      },
      actor: (id: string): GrantView['subject'] => {
        const known = principals.get(id);
        return known === undefined ? { id, type: 'client', name: id } : { id, ...known };
      },
      org: (id: string) => ({ id, name: orgs.get(id) ?? '' }),
    };
  };

  const tokenViews = async (rows: readonly ListedTokenRow[]): Promise<(row: ListedTokenRow) => TokenView> => {
    const names = await namesOf(rows, (row) => actorsIn(row.actor));
    const now = clock.now();
    return (row) => ({
      id: row.id,
      format: row.format,
      client: names.client(row),
      subject: names.subject(row),
      actors: actorsIn(row.actor).map(names.actor),
      org: row.org_id === null ? null : names.org(row.org_id),
      resource: row.resource,
      scopes: row.scopes,
      grant_id: row.grant_id,
      created_at: time(row.created_at),
      expires_at: time(row.expires_at),
      revoked_at: timeOrNull(row.revoked_at),
      state: row.revoked_at !== null ? 'revoked' : row.expires_at > now ? 'active' : 'expired',
    });
  };

  const grantViews = async (rows: readonly ListedGrantRow[]): Promise<(row: ListedGrantRow) => GrantView> => {
    const names = await namesOf(rows, (row) => (row.actor === null ? [] : [row.actor]));
    return (row) => ({
      id: row.id,
      client: { ...names.client(row), origin: row.client_origin },
      subject: names.subject(row),
      actor: row.actor === null ? null : names.actor(row.actor),
      org: names.org(row.org_id),
      scopes: row.scopes,
      resources: row.resources,
      created_at: time(row.created_at),
      last_used_at: time(row.last_used_at),
      expires_at: time(row.expires_at),
      revoked_at: timeOrNull(row.revoked_at),
      live_tokens: row.live_tokens,
    });
  };

  const called = (q: string | undefined): Promise<string[]> | string[] =>
    q === undefined || q === '' ? [] : identity.names.called(q);

  const showToken = async (tx: Transaction, id: string): Promise<TokenView> => {
    const row = (await operatorListsStore.token(tx.db, id))!;
    return (await tokenViews([row]))(row);
  };

  const showGrant = async (tx: Transaction, id: string): Promise<GrantView> => {
    const row = (await operatorListsStore.grant(tx.db, id, clock.now()))!;
    return (await grantViews([row]))(row);
  };

  /** Ends everything of a client or a principal and says how much that was. */
  const endAll = (
    call: Call,
    action: string,
    target: { type: string; id: string },
    of: { client_id: string } | { subject: string },
  ) =>
    act(call, async ({ tx, now, done }) => {
      const filter = { after: null, limit: 10_000, ...of };
      const tokens = (await accessTokensStore.page(tx.db, filter, now)).length;
      const grants = (await grantsStore.page(tx.db, filter, now)).length;
      if ('client_id' in of) await endings.client(tx, of.client_id, now);
      else await endings.subject(tx, of.subject, now);
      await done('token', action, target, { tokens, grants });
      return { tokens, grants };
    });

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof tokensList>) => {
      const { limit, cursor, ...filter } = input;
      const rows = await operatorListsStore.tokens(database.read, {
        ...filter,
        called: await called(input.q),
        after: timePosition(cursor),
        limit: limit + 1,
        now: clock.now(),
      });
      return toPage(rows, limit, (row) => ({ value: row.created_at, id: row.id }), await tokenViews(rows));
    },

    get: async (_call: Call, { id }: { id: string }) => {
      const row = await operatorListsStore.token(database.read, id);
      if (row === null) throw notFound('The token');
      return (await tokenViews([row]))(row);
    },

    revoke: (call: Call, { id }: { id: string }) =>
      act(call, async ({ tx, now, done }) => {
        const hash = await operatorListsStore.hashOfToken(tx.db, id);
        if (hash === null) throw notFound('The token');
        const before = await showToken(tx, id);
        if (before.state !== 'active') return before;
        await endings.token(tx, hash, now);
        await done(
          'token',
          'tokens.revoke',
          { type: 'token', id },
          {
            client_id: before.client.id,
            subject: before.subject.id,
          },
        );
        return showToken(tx, id);
      }),

    revokeByUser: (call: Call, { user_id }: { user_id: string }) =>
      endAll(call, 'tokens.revoke_by_user', { type: 'user', id: user_id }, { subject: user_id }),
    revokeByClient: (call: Call, { client_id }: { client_id: string }) =>
      endAll(call, 'tokens.revoke_by_client', { type: 'client', id: client_id }, { client_id }),

    grants: async (_call: Call, input: ParsedInputOf<typeof grantsList>) => {
      const { limit, cursor, ...filter } = input;
      const rows = await operatorListsStore.grants(database.read, {
        ...filter,
        called: await called(input.q),
        after: timePosition(cursor),
        limit: limit + 1,
        now: clock.now(),
      });
      return toPage(rows, limit, (row) => ({ value: row.created_at, id: row.id }), await grantViews(rows));
    },

    revokeGrant: (call: Call, { id }: { id: string }) =>
      act(call, async ({ tx, now, done }) => {
        const row = await operatorListsStore.grant(tx.db, id, now);
        if (row === null) throw notFound('The grant');
        if (row.revoked_at === null) {
          await endings.family(tx, id, now, 'revoked');
          await done(
            'grant',
            'grants.revoke',
            { type: 'grant', id },
            {
              client_id: row.client_id,
              subject: row.subject,
            },
          );
        }
        return showGrant(tx, id);
      }),
  };
};

export type TokensAdminService = ReturnType<typeof createTokensAdminService>;
