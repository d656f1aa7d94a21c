import { Flag, Rss } from 'lucide-react';
import type { Feature } from '../../app/feature.ts';
import { invalidateOn } from '../../data/live.ts';

export const feedFeature: Feature = {
  commands: [
    {
      id: 'feed.browse',
      title: 'Read the public feed',
      group: 'Diaries',
      icon: Rss,
      keywords: ['public', 'entries', 'feed.browse'],
      run: (_values, go) => go('/feed'),
    },
    {
      id: 'feed.list_reports',
      title: 'Look through reports of public entries',
      group: 'Diaries',
      icon: Flag,
      permission: 'diaries.moderate',
      keywords: ['moderation', 'hide', 'feed.list_reports'],
      run: (_values, go) => go('/diaries/moderation'),
    },
  ],
  listen: () => {
    invalidateOn('diary.ent', ['feed.list_reports', 'feed.read']);
  },
};
