import type { ItemView, inboxCounts, inboxListItems, inboxUpdateItem, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { refuse } from './creation-checks.ts';
import type { CreationService } from './creation-service.ts';
import { denied } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import { findAskingAgents } from './inbox-events-store.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf, channelVisibleTo, visibleTo } from './inbox-policy.ts';
import { findNamedChannels } from './item-channels-store.ts';
import { findVisibleTitles } from './item-links-store.ts';
import { mayTakeBack } from './item-transitions.ts';
import { lockOpen, viewOf } from './items-access.ts';
import { countBoxes, findViewFilter, type ItemFilter, listItems } from './items-list-store.ts';
import { presentItem } from './items-presenter.ts';
import type { ItemRow, Json } from './items-rows.ts';
import { findAudience, findItem, type ItemChange, updateItem } from './items-store.ts';
import { decidedOutside } from './outside-decision.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import { enqueueExpiry, enqueueReminder, reminderColumns } from './timers.ts';

type ListInput = ParsedInputOf<typeof inboxListItems>;
type UpdateInput = ParsedInputOf<typeof inboxUpdateItem>;

export interface ItemsService {
  get(call: Call, id: string): Promise<ItemView>;
  list(call: Call, input: ListInput): Promise<OutputOf<typeof inboxListItems>>;
  counts(call: Call): Promise<OutputOf<typeof inboxCounts>>;
  update(call: Call, input: UpdateInput): Promise<ItemView>;
  /** Agents that asked something the caller sees. */
  askingAgents(call: Call): Promise<Record<string, unknown>[]>;
  /** For presence and everything else that hangs on an item. */
  canSee(caller: Call['caller'], id: string): Promise<boolean>;
  /** Titles of those of these items that the caller may see. */
  visibleTitles(caller: Call['caller'], ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Members that only who asked, the person behind it, an Owner or an Admin may change: what the question says. */
const authorOnly = ['title', 'message', 'metadata', 'actions', 'ttl_ms'] as const;

/** Members of an item that a decision outside the inbox hangs on. */
const saysWhat = [...authorOnly, 'channel', 'deadline_at'] as const;

export const createItemsService = (parts: InboxParts, creation: CreationService): ItemsService => {
  const { database, clock } = parts;
  const readerOf = ({ caller }: Call) => ({ id: caller.id, org_id: caller.org_id, visible: visibleTo(caller) });

  const filterOf = async (
    call: Call,
    input: Partial<ListInput>,
    flags: Pick<ListInput, 'include_archived' | 'include_snoozed'>,
  ): Promise<ItemFilter> => {
    const { channel, assignee, box, status, kind, level, priority, tag, agent, q, run_id, parent_id } = input;
    const channels =
      channel === undefined
        ? undefined
        : await findNamedChannels(database.read, channelVisibleTo(call.caller, { deleted: true }), channel);
    return {
      ...{ box, status, kind, level, priority, tag, agent, q, run_id, parent_id },
      ...flags,
      channel_ids: channels?.map((one) => one.id),
      assignee: assignee === 'none' ? null : assignee === 'me' ? call.caller.id : assignee,
    };
  };

  const savedFilter = async (call: Call, view: string): Promise<Partial<ListInput>> => {
    const filter = await findViewFilter(database.read, call.caller.org_id, call.caller.id, view);
    if (filter === null) throw notFound('The view');
    return filter as Partial<ListInput>;
  };

  const changeOf = async (tx: Transaction, call: Call, item: ItemRow, input: UpdateInput): Promise<ItemChange> => {
    const now = clock.now();
    const { id: _id, channel, deadline_at, ttl_ms, actions, tags, ...plain } = input;
    const change: ItemChange = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
    if (tags !== undefined) change.tags = [...new Set(tags)];
    if (actions !== undefined) change.actions = actions as Json[];
    if (channel !== undefined)
      change.channel_id = channel === null ? null : (await creation.channelFor(tx, call, channel)).id;
    if (ttl_ms !== undefined) {
      change.ttl_ms = ttl_ms;
      change.expires_at = ttl_ms === null ? null : new Date(now.getTime() + ttl_ms);
    }
    if (deadline_at !== undefined) {
      change.deadline_at = deadline_at === null ? null : new Date(deadline_at);
      if (change.deadline_at !== null && change.deadline_at <= now)
        refuse([{ path: 'deadline_at', message: 'is over' }]);
      Object.assign(change, reminderColumns({ deadline_at: change.deadline_at, reminders_s: item.reminders_s }, now));
    }
    return change;
  };

  return {
    get: (call, id) => viewOf(database.read, call.caller, id, clock.now()),

    list: async (call, input) => {
      const flags = { include_archived: input.include_archived, include_snoozed: input.include_snoozed };
      const filters = [await filterOf(call, input, flags)];
      if (input.view !== undefined) filters.push(await filterOf(call, await savedFilter(call, input.view), flags));
      const now = clock.now();
      const page = { limit: input.limit + 1, before: pointOf(input.cursor) };
      const { rows, next_cursor } = pageOf(
        await listItems(database.read, readerOf(call), filters, page, now),
        input.limit,
      );
      return { items: rows.map((row) => presentItem(row, call.caller, now)), next_cursor };
    },

    counts: (call) => countBoxes(database.read, readerOf(call), clock.now()),

    update: (call, input) =>
      database.transaction(call, async (tx) => {
        const item = await lockOpen(tx, call.caller, input.id);
        const forbidden = authorOnly.find((member) => input[member] !== undefined);
        if (forbidden !== undefined && !mayTakeBack(call.caller, item)) {
          throw denied(`Only who asked changes ${forbidden}.`, 'creator');
        }
        if (decidedOutside(item) !== null && saysWhat.some((member) => input[member] !== undefined))
          throw denied('What a request says and whom it asks stays as it was asked.', 'creator');
        const change = await changeOf(tx, call, item, input);
        const changed = Object.keys(change);
        if (changed.length > 0) {
          const now = clock.now();
          let after = (await updateItem(tx.db, item.id, { ...change, updated_at: now })) ?? item;
          if (change.channel_id !== undefined && after.assignee_id !== null) {
            // Whoever loses sight of the item by the move is no longer responsible for it.
            const seeing = await findAudience(tx.db, item.id, [after.assignee_id], audienceOf);
            if (seeing.length === 0)
              after = (await updateItem(tx.db, item.id, { assignee_id: null, updated_at: now })) ?? after;
          }
          if (change.expires_at !== undefined) enqueueExpiry(tx, after, true);
          if (change.next_reminder_at !== undefined) enqueueReminder(tx, after, true);
          emitItem(tx, 'updated', after, { changed });
          auditItem(tx, 'inbox.update_item', after, { changed });
        }
        return viewOf(tx.db, call.caller, item.id, clock.now());
      }),

    askingAgents: async (call) => {
      const rows = await findAskingAgents(database.read, visibleTo(call.caller));
      return rows.map((row) => ({ ...row, last_item_at: row.last_item_at.toISOString() }));
    },

    visibleTitles: (caller, ids) => findVisibleTitles(database.read, visibleTo(caller), ids),
    canSee: async (caller, id) => (await findItem(database.read, visibleTo(caller), id)) !== null,
  };
};
