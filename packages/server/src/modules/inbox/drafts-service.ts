import type { inboxGetDraft, inboxSaveDraft, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { splitDraft } from './answer-values.ts';
import { type DraftRow, findDraft, saveDraft } from './drafts-store.ts';
import type { InboxParts } from './inbox-parts.ts';
import { requireItem } from './items-access.ts';
import { createSealedValues, draftPlace } from './sealed-values.ts';

export interface DraftsService {
  get(call: Call, id: string): Promise<OutputOf<typeof inboxGetDraft>>;
  save(call: Call, input: ParsedInputOf<typeof inboxSaveDraft>): Promise<OutputOf<typeof inboxSaveDraft>>;
}

/** What somebody has typed so far. It outlives the item's end, so that nobody loses a text to somebody faster. */
export const createDraftsService = (parts: InboxParts): DraftsService => {
  const { database, clock } = parts;
  const sealedValues = createSealedValues(parts);
  const present = (draft: DraftRow, place: string) => {
    const sealed = sealedValues.open(draft.sealed_values, place);
    return { values: { ...draft.values, ...sealed }, page: draft.page, updated_at: draft.updated_at.toISOString() };
  };
  return {
    get: async (call, id) => {
      await requireItem(database.read, call.caller, id);
      const draft = await findDraft(database.read, id, call.caller.id);
      return draft === null ? null : present(draft, draftPlace(id, call.caller.id));
    },
    save: (call, input) =>
      database.transaction(call, async (tx) => {
        const item = await requireItem(tx.db, call.caller, input.id);
        const { open, sealed } = splitDraft(item.form, input.values);
        const place = draftPlace(item.id, call.caller.id);
        const sealed_values = sealedValues.seal(sealed, place);
        const draft = { values: open, sealed_values, page: input.page, updated_at: clock.now() };
        await saveDraft(tx.db, item.org_id, item.id, call.caller.id, draft);
        return present(draft, place);
      }),
  };
};
