import type { ItemAction, inboxPressAction, OutputOf, ParsedInputOf } from '@atrium/protocol';
import { invalid, notFound } from '../../platform/errors/app-error.ts';
import { OutboundError } from '../../platform/net/guarded-fetch.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { itemClosed } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { lockSeen, viewOf } from './items-access.ts';
import type { LastAction } from './items-rows.ts';
import { markViewed, updateItem } from './items-store.ts';

type Pressed = OutputOf<typeof inboxPressAction>;

export interface ActionsService {
  press(call: Call, input: ParsedInputOf<typeof inboxPressAction>): Promise<Pressed>;
}

const httpTimeoutMs = 10_000;
const httpAnswerBytes = 4096;

/** Links and acknowledgements make sense on a closed item; what tells or starts something does not. */
const worksWhenClosed = new Set<ItemAction['kind']>(['ack', 'open_url']);

export const createActionsService = (parts: InboxParts): ActionsService => {
  const { database, clock } = parts;

  const record = (call: Call, input: ParsedInputOf<typeof inboxPressAction>): Promise<ItemAction> =>
    database.transaction(call, async (tx) => {
      const item = await lockSeen(tx, call.caller, input.id);
      const action = (item.actions as unknown as ItemAction[]).find((one) => one.id === input.action_id);
      if (action === undefined) throw notFound('The button');
      if (item.status !== 'open' && !worksWhenClosed.has(action.kind)) throw itemClosed(item);
      const text = input.text?.trim() ?? '';
      if (action.kind === 'reply' && text === '') throw invalid('text', 'is required');
      if (action.kind !== 'reply' && input.text !== undefined) throw invalid('text', 'is for reply buttons');
      const now = clock.now();
      const by = actorOf(call.caller);
      const last: LastAction = {
        id: action.id,
        text: action.kind === 'reply' ? text : null,
        at: now.toISOString(),
        by,
      };
      const changed = (await updateItem(tx.db, item.id, { last_action: last, updated_at: now })) ?? item;
      if (action.kind === 'ack') await markViewed(tx.db, item.org_id, [item.id], call.caller.id, now);
      emitItem(tx, 'action', changed, { action: { id: action.id, kind: action.kind }, by });
      auditItem(tx, 'inbox.press_action', changed, { action: action.id, kind: action.kind });
      return action;
    });

  /** After the press is committed: a slow or dead address must not hold a transaction, nor undo who pressed. */
  const request = async (
    call: Call,
    item_id: string,
    action: Extract<ItemAction, { kind: 'http' }>,
  ): Promise<Pressed['http']> => {
    const method = action.method ?? 'POST';
    try {
      const answer = await parts.guardedFetch(action.url, {
        method,
        headers: action.headers ?? {},
        ...(action.body === undefined ? {} : { body: action.body }),
        timeout_ms: httpTimeoutMs,
        max_bytes: httpAnswerBytes,
        overflow: 'truncate',
      });
      await note(call, item_id, action.id, { status: answer.status });
      return { status: answer.status, body: answer.body.toString('utf8') };
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      await note(call, item_id, action.id, { failed: error.reason });
      if (error.reason === 'refused') throw invalid('url', 'leads to an address that this server may not connect to');
      return { status: 0, body: `The address gave no answer (${error.reason}).` };
    }
  };

  const note = (call: Call, item_id: string, action: string, details: Record<string, unknown>): Promise<void> =>
    database.transaction({ ...call, idempotency: null }, async (tx) =>
      auditItem(tx, 'inbox.action.http', { id: item_id, org_id: call.caller.org_id }, { action, ...details }),
    );

  return {
    press: async (call, input) => {
      const action = await record(call, input);
      const http = action.kind === 'http' ? await request(call, input.id, action) : null;
      return {
        item: await viewOf(database.read, call.caller, input.id, clock.now()),
        run_tool: action.kind === 'run_tool' ? { tool: action.tool, arguments: action.arguments ?? {} } : null,
        http,
        url: action.kind === 'open_url' ? action.url : null,
      };
    },
  };
};
