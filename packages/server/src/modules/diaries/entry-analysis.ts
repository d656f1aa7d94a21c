import type { EntryAnalysis, EntryRow } from './diaries-rows.ts';
import { dateWords, foldText } from './search/search-text.ts';
import { asksQuestion } from './search/time-words.ts';

/** In lower case already, because a database may have been made with a locale that knows no letters beyond ASCII. */
export const searchText = (text: string): string => foldText(text).toLowerCase();

/** What the index of words takes from an entry. */
export const analysisOf = (
  entry: Pick<EntryRow, 'title' | 'content' | 'tags' | 'valid_from' | 'created_at'>,
  language: string,
): EntryAnalysis => ({
  language,
  title: searchText(entry.title ?? ''),
  tags: searchText(entry.tags.join(' ')),
  content: searchText(entry.content),
  date: searchText(dateWords(entry.valid_from ?? entry.created_at, language)),
  asks: asksQuestion(entry.content),
});
