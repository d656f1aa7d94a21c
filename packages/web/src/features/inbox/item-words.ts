import type { ItemView } from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

export const levelWords = { info: 'Info', success: 'Success', warning: 'Warning', error: 'Error' } as const;
export const kindWords = { notice: 'Notice', question: 'Question', approval: 'Approval' } as const;
export const priorityWords = ['None', 'Low', 'Medium', 'High', 'Urgent'] as const;

export const levelTones: Record<ItemView['level'], Tone> = {
  info: 'info',
  success: 'success',
  warning: 'warning',
  error: 'danger',
};

/** How an item ended, in one word; null while it is open. */
export const endWord = (item: ItemView): { word: string; tone: Tone } | null => {
  switch (item.status) {
    case 'open':
      return null;
    case 'answered':
      return item.reply ? replyWord(item.reply.kind) : { word: 'Answered', tone: 'success' };
    case 'dismissed':
      return { word: 'Dismissed', tone: 'neutral' };
    case 'expired':
      return { word: 'Expired', tone: 'warning' };
    case 'withdrawn':
      return { word: 'Withdrawn', tone: 'neutral' };
    default:
      return item.status satisfies never;
  }
};

const replyWord = (kind: NonNullable<ItemView['reply']>['kind']): { word: string; tone: Tone } => {
  switch (kind) {
    case 'accept':
      return { word: 'Approved', tone: 'success' };
    case 'edit':
      return { word: 'Approved with changes', tone: 'success' };
    case 'respond':
      return { word: 'Responded', tone: 'info' };
    case 'reject':
      return { word: 'Rejected', tone: 'danger' };
    default:
      return kind satisfies never;
  }
};

/** Who did it, as a sentence names them. */
export const nameOf = (actor: { type: string; id: string | null; name: string } | null, me?: string): string =>
  actor === null ? 'Somebody' : actor.type === 'system' ? 'Atrium' : actor.id === me ? 'You' : actor.name;

/** Seed of a mark: the system has no id. */
export const markId = (actor: { id: string | null; name: string }): string => actor.id ?? actor.name;

/** What an open item waits for first: the end of its life, or what people were told. */
export const waitsUntil = (item: ItemView): string | null =>
  item.status === 'open' ? (item.expires_at ?? item.deadline_at) : null;
