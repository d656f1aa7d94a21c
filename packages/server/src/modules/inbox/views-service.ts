import type { OutputOf, ParsedInputOf, viewsCreate, viewsList, viewsUpdate } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { storableJson, storableText } from '../../platform/db/storable.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { InboxParts } from './inbox-parts.ts';
import { keyPageOf, keyPointOf } from './key-cursor.ts';
import { orNameTaken } from './name-taken.ts';
import { deleteView, insertView, listViews, updateView, type ViewRow } from './views-store.ts';

type SavedView = OutputOf<typeof viewsCreate>;

/**
 * Filters a person keeps under a name. They concern nobody else, so they make no event; and a filter shows nothing that
 * the list would not show without it.
 */
export interface ViewsService {
  list(call: Call, input: ParsedInputOf<typeof viewsList>): Promise<OutputOf<typeof viewsList>>;
  create(call: Call, input: ParsedInputOf<typeof viewsCreate>): Promise<SavedView>;
  update(call: Call, input: ParsedInputOf<typeof viewsUpdate>): Promise<SavedView>;
  remove(call: Call, id: string): Promise<void>;
}

const ownerOf = (call: Call) => ({ org_id: call.caller.org_id, user_id: call.caller.id });

const audit = (tx: Transaction, action: string, id: string): void =>
  tx.audit({ action, target_type: 'view', target_id: id });

export const createViewsService = ({ database, clock }: InboxParts): ViewsService => ({
  list: async (call, input) => {
    const page = { limit: input.limit + 1, after: keyPointOf(input.cursor, /^\d{1,5}$/) };
    const found = await listViews(database.read, ownerOf(call), page);
    const { rows, next_cursor } = keyPageOf(found, input.limit, (row) => row.position);
    return { items: rows.map(present), next_cursor };
  },

  create: (call, input) =>
    database.transaction(call, async (tx) => {
      const name = storableText(input.name);
      const view = {
        ...ownerOf(call),
        id: newId(),
        name,
        filter: storableJson(input.filter),
        created_at: clock.now(),
      };
      const row = await orNameTaken(name, insertView(tx.db, view));
      audit(tx, 'views.create', row.id);
      return present(row);
    }),

  update: (call, { id, name, filter, position }) =>
    database.transaction(call, async (tx) => {
      const change = {
        name: name === undefined ? null : storableText(name),
        filter: filter === undefined ? null : storableJson(filter),
        position: position ?? null,
      };
      const row = await orNameTaken(name ?? '', updateView(tx.db, ownerOf(call), id, change));
      if (row === null) throw notFound('The view');
      audit(tx, 'views.update', id);
      return present(row);
    }),

  remove: (call, id) =>
    database.transaction(call, async (tx) => {
      if (!(await deleteView(tx.db, ownerOf(call), id))) throw notFound('The view');
      audit(tx, 'views.delete', id);
    }),
});

const present = (row: ViewRow): SavedView => ({
  id: row.id,
  name: row.name,
  filter: row.filter as SavedView['filter'],
  position: row.position,
  created_at: row.created_at.toISOString(),
});
