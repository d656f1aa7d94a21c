import { inboxCounts, inboxListItems } from '@atrium/protocol';
import {
  AlarmClock,
  Archive,
  ChartNoAxesColumn,
  Eye,
  Hash,
  Inbox,
  LayoutTemplate,
  MessageCircleQuestionMark,
  SquareCheck,
} from 'lucide-react';
import type { Command, Feature } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { listenForConnection } from './answer-queue.ts';
import { listenToItems } from './items-live.ts';
import { sendTestQuestion } from './test-question.ts';

const box = (id: string, title: string, icon: typeof Inbox): Command => ({
  id: `inbox.box.${id}`,
  title,
  group: 'Inbox',
  icon,
  keywords: ['box', 'inbox'],
  permission: 'items.read',
  run: (_values, go) => go(`/inbox?box=${id}`),
});

const useNeedsMe = (): number => useOperation(inboxCounts, {}).data?.needs_me ?? 0;

export const inboxFeature: Feature = {
  nav: [
    {
      to: '/inbox',
      label: 'Inbox',
      icon: Inbox,
      group: 'top',
      keys: 'g i',
      permission: 'items.read',
      useCount: useNeedsMe,
      phone: 1,
    },
    { to: '/channels', label: 'Channels', icon: Hash, group: 'Work', keys: 'g c', permission: 'items.read', phone: 2 },
    {
      to: '/templates',
      label: 'Templates',
      icon: LayoutTemplate,
      group: 'Work',
      keys: 'g t',
      permission: 'items.read',
    },
    {
      to: '/statistics',
      label: 'Statistics',
      icon: ChartNoAxesColumn,
      group: 'Work',
      keys: 'g s',
      permission: 'items.read',
    },
  ],
  commands: [
    {
      id: 'inbox.test_question',
      title: 'Send me a test question',
      group: 'Inbox',
      icon: MessageCircleQuestionMark,
      keywords: ['ask', 'try', 'inbox.ask'],
      permission: 'items.write',
      async run(_values, go) {
        const id = await sendTestQuestion();
        if (id) go(`/inbox/${id}`);
      },
    },
    box('needs_me', 'Inbox: needs me', Inbox),
    box('watching', 'Inbox: watching', Eye),
    box('snoozed', 'Inbox: snoozed', AlarmClock),
    box('done', 'Inbox: done', SquareCheck),
    box('all', 'Inbox: all', Archive),
  ],
  searches: [
    {
      id: 'items',
      heading: 'Items',
      permission: 'items.read',
      async search(text, signal) {
        const { items } = await call(
          inboxListItems,
          { q: text, include_archived: true, include_snoozed: true, limit: 8 },
          { signal },
        );
        return items.map((item) => ({
          id: item.id,
          label: item.title,
          hint: item.status === 'open' ? item.created_by.name : item.status,
          to: `/inbox/${item.id}`,
          icon: Inbox,
        }));
      },
    },
  ],
  listen() {
    listenToItems();
    listenForConnection();
  },
};
