import { createHash } from 'node:crypto';
import type { NewJob } from '../../platform/db/database.ts';
import type { EntryFields, EntryRow } from './diaries-rows.ts';

export type Embeddable = Pick<EntryFields, 'title' | 'content' | 'tags'>;

/** Models of this kind read some 512 tokens; what is beyond would be cut off by some and refused by others. */
const longest = 2000;

/** What stands for an entry when its meaning is computed. */
export const embeddingText = ({ title, content, tags }: Embeddable): string =>
  [...(title === null ? [] : [title]), content.slice(0, longest), ...tags.map((tag) => `tag:${tag}`)].join('\n');

/** Does an entry mean something else after a change, or was it brought back and has lost what was computed? */
export const meansElse = (before: EntryRow, after: Embeddable): boolean =>
  before.deleted_at !== null || embeddingText(before) !== embeddingText(after);

export const embeddingJob = (entry: EntryRow): NewJob => ({
  name: 'embed-entry',
  // The version is in it, because a text may come back that was embedded before another one replaced it.
  id: `diary-embed-${entry.id}-${createHash('sha256').update(embeddingText(entry)).digest('hex').slice(0, 32)}-${entry.version}`,
  args: { entry_id: entry.id },
});
