import {
  type BrokenLink,
  type ChainedEntry,
  ChainWalk,
  chainStart,
  type diariesVerify,
  type diariesVerifyEntry,
  fingerprintOf,
  type OutputOf,
  publicKeyOf,
  verifyEntrySignature,
} from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { chainsStore } from './chains-store.ts';
import { contentIdOf } from './content-id.ts';
import { requireDiary, requireEntry } from './diaries-access.ts';
import type { DiariesParts } from './diaries-parts.ts';
import type { EntryRow, LinkRow, SeenDiary } from './diaries-rows.ts';
import { isSigned, proofOf } from './diaries-views.ts';
import { boundMembers } from './entry-signing.ts';

type Verified = OutputOf<typeof diariesVerify>;

/** Entries with what they say are long; so many are held in memory at once. */
const atOnce = 200;

export const chainedOf = (entry: EntryRow & LinkRow): ChainedEntry => ({
  ...boundMembers(entry),
  id: entry.id,
  title: entry.title,
  content: entry.content,
  tags: entry.tags,
  entry_type: entry.entry_type,
  content_id: entry.content_id,
  erased_at: entry.erased_at?.toISOString() ?? null,
  proof: proofOf(entry)!,
});

/** Is what stands in a diary what was written into it? */
export const createIntegrityService = ({ database, clock }: DiariesParts) => {
  const verifyChain = async (diary: SeenDiary & { chain_id: string }): Promise<Verified> => {
    const walk = new ChainWalk(diary.chain_id, await chainStart(diary.chain_id));
    const head = await chainsStore.find(database.read, diary.id);
    let [entries, erased] = [0, 0];
    const answer = (broken: Verified['broken']): Verified => ({
      ...{ signed: true, valid: broken === null, entries, erased, head, broken },
    });
    const named = ({ entry_id, seq, problem }: BrokenLink) => answer({ entry_id, seq, problem });
    // What is written meanwhile comes after the head that was read first.
    const to = head?.seq ?? 0;
    for (;;) {
      const rows = await chainsStore.after(database.read, diary.id, { seq: walk.position.seq, to }, atOnce);
      for (const row of rows) {
        entries += 1;
        if (row.erased_at !== null) erased += 1;
        if (!(await walk.step(chainedOf(row)))) return named(walk.broken!);
      }
      if (rows.length < atOnce) break;
    }
    const whole = head !== null && walk.position.seq === head.seq && walk.position.hash === head.hash;
    return answer(whole ? null : { entry_id: null, seq: walk.position.seq + 1, problem: 'incomplete' });
  };

  const verifyTexts = async (diary: SeenDiary): Promise<Verified> => {
    let entries = 0;
    let after: { value: Date; id: string } | null = null;
    const until = clock.now();
    for (;;) {
      const rows: EntryRow[] = await chainsStore.oldest(database.read, diary.id, { after, until, limit: atOnce });
      for (const row of rows) {
        entries += 1;
        if (contentIdOf(row) === row.content_id) continue;
        const broken = { entry_id: row.id, seq: null, problem: 'content_mismatch' } as const;
        return { signed: false, valid: false, entries, erased: 0, head: null, broken };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < atOnce) break;
      after = { value: last.created_at, id: last.id };
    }
    return { signed: false, valid: true, entries, erased: 0, head: null, broken: null };
  };

  return {
    verify: async (call: Call, ref: string): Promise<Verified> => {
      const diary = await requireDiary(database.read, call.caller, ref, 'manage', clock.now());
      return diary.chain_id === null ? verifyTexts(diary) : verifyChain({ ...diary, chain_id: diary.chain_id });
    },

    verifyEntry: async (
      call: Call,
      input: { diary_ref: string; entry_id: string },
    ): Promise<OutputOf<typeof diariesVerifyEntry>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const entry = await requireEntry(database.read, call.caller, diary.id, input.entry_id, now);
      const { content_id } = entry;
      const hash_matches = contentIdOf(entry) === content_id;
      if (!isSigned(entry) || diary.chain_id === null)
        return {
          ...{ signed: false, hash_matches, signature_valid: null, valid: hash_matches, content_id },
          ...{ agent_fingerprint: null, public_key: null },
        };
      const { signature, signer_key: public_key } = entry;
      const signature_valid = await verifyEntrySignature({ content_id, signature, public_key }, diary.chain_id);
      return {
        ...{ signed: true, hash_matches, signature_valid, valid: hash_matches && signature_valid, content_id },
        ...{ agent_fingerprint: await fingerprintOf(publicKeyOf(public_key)), public_key },
      };
    },
  };
};
