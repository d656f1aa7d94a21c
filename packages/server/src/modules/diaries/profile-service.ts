import { type diariesWhoami, diaryLimits, hasScope, type OutputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible, readableAmong } from './diaries-policy.ts';
import type { EntryRow } from './diaries-rows.ts';
import { entryViewOf } from './diaries-views.ts';
import { profileStore } from './profile-store.ts';

type Whoami = OutputOf<typeof diariesWhoami>;

const sides = { identity: 'who you are', soul: 'how you want to be: your values and your manner' } as const;
type Side = keyof typeof sides;

const shown = (call: Call, entry: EntryRow | undefined): Whoami['profile']['soul'] => {
  if (entry === undefined) return null;
  const { id, diary_id, title, content, tags, importance, injection_risk, untrusted, created_at, updated_at } =
    entryViewOf(call, entry);
  return { id, diary_id, title, content, tags, importance, injection_risk, untrusted, created_at, updated_at };
};

const hintOf = (missing: readonly Side[]): string | null => {
  if (missing.length === 0) return null;
  const wanted = missing.map((side) => `of entry_type ${side} (${sides[side]})`).join(' and one ');
  return `Nothing of your own is remembered here yet. Write an entry ${wanted} with the tag system into a private diary of yours, such as Private, with diary_create; each holds at most ${diaryLimits.pinned_content} characters. Entries that somebody else wrote or changed do not count.`;
};

/** What somebody wrote down about themselves. */
export const createProfileService = ({ database, clock, identityOf }: DiariesParts) => ({
  whoami: async (call: Call): Promise<Whoami> => {
    const { caller } = call;
    const identity = await identityOf(call);
    if (!hasScope(caller.scopes, 'diary:read'))
      return {
        identity,
        profile: { whoami: null, soul: null },
        hint: 'The token lacks the scope diary:read, so what you wrote down about yourself is not shown.',
      };
    const now = clock.now();
    const own = readableAmong(caller, ['own'], now);
    const rows = await profileStore.pinned(database.read, own, entryVisible(caller, now), caller.id, now);
    const of = (side: Side): EntryRow | undefined => rows.find((row) => row.entry_type === side);
    const missing = (Object.keys(sides) as Side[]).filter((side) => of(side) === undefined);
    return {
      identity,
      profile: { whoami: shown(call, of('identity')), soul: shown(call, of('soul')) },
      hint: hintOf(missing),
    };
  },
});

export type ProfileService = ReturnType<typeof createProfileService>;
