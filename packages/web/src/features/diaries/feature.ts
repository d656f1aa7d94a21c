import { diariesList, diariesSearch } from '@atrium/protocol';
import { BookOpen, NotebookTabs, NotebookText, Search } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { openCreateDiary } from './create-diary-store.ts';
import { diaryReads, entryReads } from './diary-changes.ts';
import { entryName, scopeWords } from './diary-words.ts';

export const diariesFeature: Feature = {
  nav: [{ to: '/diaries', label: 'Diaries', icon: NotebookText, group: 'Work', keys: 'g d' }],
  commands: [
    {
      id: 'diaries.search',
      title: 'Search what is remembered',
      group: 'Diaries',
      icon: Search,
      keywords: ['diaries', 'entries', 'memory', 'diaries.search'],
      arguments: [{ name: 'q', label: 'Words', placeholder: 'What to look for' }],
      run: ({ q }, go) => go(q ? `/search?q=${encodeURIComponent(JSON.stringify(q))}` : '/search'),
    },
    {
      id: 'diaries.create',
      title: 'Make a diary',
      group: 'Diaries',
      icon: NotebookTabs,
      keywords: ['new', 'diaries.create'],
      run: (_values, go) => {
        go('/diaries');
        openCreateDiary();
      },
    },
  ],
  searches: [
    {
      id: 'diaries',
      heading: 'Diaries',
      search: async (q, signal) =>
        (
          await call(diariesList, { q, scope: ['own', 'shared', 'team', 'network', 'public'], limit: 6 }, { signal })
        ).items.map((diary) => ({
          id: diary.id,
          label: diary.name,
          hint: diary.scope === 'own' ? scopeWords.own : diary.owner.name,
          to: `/diaries/${diary.id}`,
          icon: NotebookText,
        })),
    },
    {
      id: 'diary-entries',
      heading: 'Entries of diaries',
      search: async (query, signal) =>
        (await call(diariesSearch, { query, content: 'snippet', limit: 6 }, { signal })).items.map((hit) => ({
          id: hit.id,
          label: entryName({ title: hit.title, content: hit.snippet.text }),
          hint: hit.diary_name,
          to: `/diaries/${hit.diary_id}/${hit.id}`,
          icon: BookOpen,
        })),
    },
  ],
  listen: () => {
    invalidateOn('diary.', diaryReads);
    invalidateOn('diary.ent', entryReads);
  },
};
