import type { ApprovalRequestView, approvalRequestsList, ParsedInputOf } from '@atrium/protocol';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { approvalsStore } from '../stores/approvals-store.ts';
import type { Db } from '../stores/db.ts';
import { type ListedApprovalRow, operatorListsStore } from '../stores/operator-lists-store.ts';
import { createOperatorAct, type OperatorsContext, time, timeOrNull } from './operators-context.ts';

/** What clients asked people to approve, on the whole server. */
export const createApprovalsAdminService = (context: OperatorsContext) => {
  const { database, clock, identity, clients, approvals } = context;
  const act = createOperatorAct(context);

  /** An agent that asks is a client without a row of its own. */
  const namesOfClients = async (db: Db, rows: readonly ListedApprovalRow[]): Promise<Map<string, string>> => {
    const names = new Map<string, string>();
    for (const { client_id, client_name } of rows)
      if (!names.has(client_id))
        names.set(client_id, client_name ?? (await clients.facts(db, client_id))?.name ?? client_id);
    return names;
  };

  const views = async (
    db: Db,
    rows: readonly ListedApprovalRow[],
  ): Promise<(row: ListedApprovalRow) => ApprovalRequestView> => {
    const [people, orgs, names] = await Promise.all([
      identity.names.principals(rows.map((row) => row.subject)),
      identity.names.orgs(rows.map((row) => row.org_id)),
      namesOfClients(db, rows),
    ]);
    return (row) => ({
      id: row.id,
      kind: row.kind,
      person: { id: row.subject, name: people.get(row.subject)?.name ?? 'somebody gone' },
      client: { id: row.client_id, name: names.get(row.client_id)! },
      org: { id: row.org_id, name: orgs.get(row.org_id) ?? '' },
      title: row.title,
      scopes: row.scopes,
      resources: row.resources,
      state: row.state,
      created_at: time(row.created_at),
      expires_at: time(row.expires_at),
      decided_at: timeOrNull(row.decided_at),
    });
  };

  const show = async (db: Db, id: string): Promise<ApprovalRequestView> => {
    const row = (await operatorListsStore.approval(db, id, clock.now()))!;
    return (await views(db, [row]))(row);
  };

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof approvalRequestsList>) => {
      const { q, state, cursor, limit } = input;
      const db = database.read;
      const rows = await operatorListsStore.approvals(db, {
        ...{ q, state, called: q === undefined || q === '' ? [] : await identity.names.called(q) },
        ...{ after: timePosition(cursor), limit: limit + 1, now: clock.now() },
      });
      return toPage(rows, limit, (row) => ({ value: row.created_at, id: row.id }), await views(db, rows));
    },

    cancel: (call: Call, { id }: { id: string }): Promise<ApprovalRequestView> =>
      act(call, async ({ tx, done }) => {
        const row = await approvalsStore.byId(tx.db, id);
        if (row === null) throw notFound('The request for approval');
        if (await approvals.cancel(tx, call, row)) {
          const { client_id, subject } = row;
          await done('approval_request', 'approval_requests.cancel', { type: 'approval', id }, { client_id, subject });
          return show(tx.db, id);
        }
        const { state } = await show(tx.db, id);
        if (state === 'withdrawn') return show(tx.db, id);
        throw new AppError('oauth_approval_closed', `The request is ${state}; there is nothing to cancel any more.`, {
          extensions: { approval_state: state },
        });
      }),
  };
};
export type ApprovalsAdminService = ReturnType<typeof createApprovalsAdminService>;
