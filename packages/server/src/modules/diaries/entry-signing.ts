import { type ChainPosition, chainHash, signingInput, toBase64, verifyEntrySignature } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { chainsStore } from './chains-store.ts';
import { immutable } from './diaries-errors.ts';
import type { DiaryRow, EntryFields, EntryRow, LinkRow } from './diaries-rows.ts';
import { subjectsStore } from './diaries-store.ts';
import { entriesStore } from './entries-store.ts';

/* What a signed diary asks of an entry. */

export type NoLink = { [K in keyof LinkRow]: null };
const noLink: NoLink = { chain_seq: null, prev_hash: null, chain_hash: null, signature: null, signer_key: null };

/** Refuses to touch what somebody signed. */
export const requireMutable = (entry: Pick<EntryRow, 'signature'>): void => {
  if (entry.signature !== null) throw immutable();
};

const text = (at: Date | null): string | null => at?.toISOString() ?? null;

/** The members that the chain holds, as they are hashed. */
export const boundMembers = (entry: EntryFields & { created_at: Date }) => ({
  importance: entry.importance,
  confidence: entry.confidence,
  valid_from: text(entry.valid_from),
  valid_to: text(entry.valid_to),
  expires_at: text(entry.expires_at),
  created_at: entry.created_at.toISOString(),
});

const signerOf = async (tx: Transaction, { caller }: Call): Promise<string> => {
  const key = caller.kind === 'user' ? null : await subjectsStore.keyOf(tx.db, caller.org_id, caller.id);
  if (key !== null) return key;
  throw new AppError('permission_denied', 'Only agents with a key write into a signed diary.', {
    extensions: { error: 'permission denied', required: 'principal:key' },
  });
};

const requireSignature = async (
  chain_id: string,
  content_id: string,
  public_key: string,
  signature: string | undefined,
): Promise<string> => {
  if (signature === undefined) {
    const signing_input = toBase64(await signingInput(content_id, chain_id));
    throw new AppError('entry_signature_required', undefined, { extensions: { content_id, chain_id, signing_input } });
  }
  if (!(await verifyEntrySignature({ content_id, signature, public_key }, chain_id)))
    throw new AppError('invalid_signature', 'The signature is not yours over this entry in this diary.', {
      extensions: { content_id, chain_id },
    });
  return signature;
};

/**
 * Gives a new entry its place in the chain of its diary, which is held from here until the transaction ends. An entry
 * of another diary gets none, and takes no signature: nobody would keep or check it.
 */
export const linkFor = async (
  tx: Transaction,
  call: Call,
  diary: Pick<DiaryRow, 'id' | 'chain_id'>,
  entry: EntryFields & Pick<EntryRow, 'content_id' | 'created_at'>,
  given: string | undefined,
): Promise<LinkRow | NoLink> => {
  if (diary.chain_id === null) {
    if (given !== undefined) throw invalid('signature', 'is for signed diaries alone');
    return noLink;
  }
  const public_key = await signerOf(tx, call);
  const signature = await requireSignature(diary.chain_id, entry.content_id, public_key, given);
  const before = await chainsStore.hold(tx.db, diary.id);
  const same = await entriesStore.hasSignature(tx.db, diary.id, signature);
  if (same !== null)
    throw new AppError('entry_duplicate', 'You have signed the same into this diary already.', {
      extensions: { entry_id: same },
    });
  const prev_hash = before.hash;
  const hash = await chainHash({
    ...boundMembers(entry),
    content_id: entry.content_id,
    ...{ prev_hash, signature, public_key },
  });
  const after: ChainPosition = { seq: before.seq + 1, hash };
  await chainsStore.advance(tx.db, diary.id, after);
  return { chain_seq: after.seq, prev_hash, chain_hash: hash, signature, signer_key: public_key };
};
