/** Operations whose cached answers a change of entries makes stale. */
export const entryReads = [
  'diaries.list_entries',
  'diaries.get_entry',
  'diaries.search',
  'diaries.entry_history',
  'diaries.list_relations',
  'diaries.digest',
  'diaries.list_duplicates',
  // Asked only for what an act would change.
  'diaries.bulk',
] as const;

/** The same for diaries themselves and whom they are shared with. */
export const diaryReads = ['diaries.list', 'diaries.get', 'diaries.list_shares', 'diaries.list_invitations'] as const;
