import type { InboxParts } from './inbox-parts.ts';
import type { Json } from './items-rows.ts';

/** Sealed answers as text for a column. The place is bound in, so that a row copied over another does not decrypt. */
export const createSealedValues = ({ secrets }: Pick<InboxParts, 'secrets'>) => ({
  seal: (values: Json | null, place: string): string | null =>
    values === null || Object.keys(values).length === 0 ? null : secrets.encrypt(JSON.stringify(values), place),
  open: (sealed: string | null, place: string): Json | null =>
    sealed === null ? null : (JSON.parse(secrets.decrypt(sealed, place)) as Json),
});

export const answerPlace = (item_id: string): string => `inbox_items.sealed_values:${item_id}`;
export const draftPlace = (item_id: string, user_id: string): string =>
  `inbox_drafts.sealed_values:${item_id}:${user_id}`;
