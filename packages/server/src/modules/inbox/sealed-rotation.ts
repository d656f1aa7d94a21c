import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import type { InboxParts } from './inbox-parts.ts';
import { findSealed, replaceSealed } from './sealed-store.ts';
import { answerPlace, draftPlace } from './sealed-values.ts';

/** Brings sealed answers and drafts under a new master key. */
export const createSealedRotation =
  ({ database }: Pick<InboxParts, 'database'>): RotationVisit =>
  async (reencrypt) => {
    for await (const row of findSealed(database.read)) {
      const place = row.user_id === null ? answerPlace(row.item_id) : draftPlace(row.item_id, row.user_id);
      const renewed = reencrypt(row.sealed_values, place);
      if (renewed !== null) await replaceSealed(database.read, row, renewed);
    }
  };
