import type { searchHit } from '@atrium/protocol';
import type { z } from 'zod';
import type { Call } from '../../platform/operations/call.ts';
import { actorFrom, fenced, isForeign, text, tokensIn } from './diaries-views.ts';
import { makeSnippet } from './search/snippet.ts';
import type { FoundEntry } from './search-store.ts';

type HitView = z.infer<typeof searchHit>;

/** An entry that was found, before its text is read. */
export type Hit = Pick<HitView, 'id' | 'score' | 'relevance' | 'found_by'>;

/** For an entry: words, in lower case, and the term of the query that each stands for. */
export type Marking = (entry: FoundEntry) => ReadonlyMap<string, string> | null;

/** What the texts of an answer cost a model that reads them, roughly. */
export const tokensOf = ({ title, content, snippet, tags, diary_name }: HitView): number =>
  tokensIn(title, content, snippet.text, tags.join(' '), diary_name);

export const hitViewOf = (
  call: Call,
  entry: FoundEntry,
  hit: Hit,
  mode: 'full' | 'snippet',
  marks: ReadonlyMap<string, string> | null,
): HitView => {
  const untrusted = isForeign(call, entry);
  const fence = call.door === 'mcp' && (untrusted || entry.injection_risk);
  const said = (words: string) => (fence && words !== '' ? fenced(words, entry.id) : words);
  const snippet = makeSnippet(entry.content, (word) => marks?.get(word) ?? null);
  return {
    ...hit,
    diary_id: entry.diary_id,
    // Whoever named a diary of everybody is no more to be trusted than who wrote into it.
    diary_name: call.door === 'mcp' && fence ? fenced(entry.diary_name, entry.id) : entry.diary_name,
    title: entry.title === null ? null : said(entry.title),
    content: mode === 'full' ? said(entry.content) : null,
    // Fenced text has other positions, and a model has no use for them.
    snippet: { ...snippet, text: said(snippet.text), marks: call.door === 'mcp' ? [] : snippet.marks },
    tags: entry.tags,
    entry_type: entry.entry_type,
    importance: entry.importance,
    injection_risk: entry.injection_risk,
    untrusted,
    status: entry.status,
    confidence: entry.confidence,
    superseded_by: entry.superseded_by,
    superseded_at: text(entry.superseded_at),
    valid_from: text(entry.valid_from),
    valid_to: text(entry.valid_to),
    expires_at: text(entry.expires_at),
    author: actorFrom(entry.author_kind, entry.author_id, entry.author_name),
    length: entry.length,
    embedding_state: entry.embedding_state,
    created_at: entry.created_at.toISOString(),
  };
};
