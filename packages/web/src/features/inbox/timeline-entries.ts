import type { ItemView, inboxHistory, inboxListComments, inboxResponses, OutputOf } from '@atrium/protocol';
import { deviceName } from './device-name.ts';

type History = OutputOf<typeof inboxHistory>['items'][number];
type Comment = OutputOf<typeof inboxListComments>['items'][number];
type Response = OutputOf<typeof inboxResponses>['items'][number];

export type TimelineEntry =
  | { kind: 'comment'; key: string; at: string; comment: Comment }
  | {
      kind: 'event';
      key: string;
      at: string;
      actor: History['actor'];
      /** Past tense after the actor's name: "answered". */
      words: string;
      device: string | null;
      tone: 'quiet' | 'strong';
    };

const strong = new Set([
  'inbox.create',
  'inbox.answer',
  'inbox.correct',
  'inbox.withdraw',
  'inbox.dismiss',
  'inbox.approve',
]);

const plain: Record<string, string> = {
  'inbox.ack': 'saw this',
  'inbox.dismiss': 'dismissed this',
  'inbox.withdraw': 'took this back',
  'inbox.restore': 'reopened this',
  'inbox.archive': 'archived this',
  'inbox.unarchive': 'brought this back from the archive',
  'inbox.pin': 'pinned this',
  'inbox.unpin': 'unpinned this',
  'inbox.claim': 'began to answer',
  'inbox.release': 'stopped answering',
  'inbox.snooze': 'snoozed this',
  'inbox.unsnooze': 'brought this back early',
  'inbox.wake': 'brought this back from its snooze',
  'inbox.remind': 'reminded people of the deadline',
  'inbox.escalate': 'escalated this',
  'inbox.expire': 'closed this because its time ran out',
  'inbox.update_item': 'changed this',
  'inbox.assign': 'assigned this',
  'inbox.delegate': 'handed this on',
  'inbox.save_draft': 'wrote a draft',
  'inbox.attach': 'attached a file',
  'inbox.delete_attachment': 'removed a file',
  'inbox.relate': 'linked another item',
  'inbox.unrelate': 'unlinked an item',
  'inbox.watch': 'follows this',
  'inbox.unwatch': 'no longer follows this',
  'inbox.correct': 'changed the answer',
  'inbox.press_action': 'pressed a button',
  'always_rules.create': 'allowed calls like this from now on',
  'always_rules.use': 'allowed this by a rule',
  'always_rules.revoke': 'ended an always-allow rule',
};

const decisions: Record<string, string> = {
  accept: 'approved',
  edit: 'approved with changes',
  respond: 'responded',
  reject: 'rejected',
  deny: 'denied',
};

/** What an audit line says to a person; null for lines that comments already tell. */
const wordsOf = ({ action, details }: History, item: ItemView): string | null => {
  const decision = typeof details['decision'] === 'string' ? decisions[details['decision']] : undefined;
  switch (action) {
    case 'inbox.comment':
      return null;
    case 'inbox.create':
      return item.kind === 'notice' ? 'sent this' : item.kind === 'approval' ? 'asked for approval' : 'asked';
    case 'inbox.answer':
    case 'inbox.approve':
      return decision ?? 'answered';
    case 'inbox.press_action': {
      const label = item.actions.find((entry) => entry.id === details['action'])?.label;
      return label ? `pressed “${label}”` : plain[action]!;
    }
    case 'inbox.escalate':
      return typeof details['reached'] === 'number'
        ? `brought this to ${details['reached']} more ${details['reached'] === 1 ? 'person' : 'people'}`
        : plain[action]!;
    default:
      return plain[action] ?? action.replace(/^inbox\.(bulk\.)?/, '').replaceAll('_', ' ');
  }
};

const seconds = (first: string, second: string): number => Math.abs(Date.parse(first) - Date.parse(second)) / 1000;

/** Everything that happened and was said, oldest first. The device of an answer comes from its response. */
export const timelineOf = (
  item: ItemView,
  history: readonly History[],
  comments: readonly Comment[],
  responses: readonly Response[],
): TimelineEntry[] => {
  const deviceOf = (entry: History): string | null => {
    if (!['inbox.answer', 'inbox.correct', 'inbox.approve'].includes(entry.action)) return null;
    const response = responses.find(
      (one) => one.by.id === entry.actor.id && seconds(one.created_at, entry.at) < 5 && one.device,
    );
    return deviceName(response?.device ?? null);
  };
  const events = history.flatMap((entry, index): TimelineEntry[] => {
    const words = wordsOf(entry, item);
    if (words === null) return [];
    return [
      {
        kind: 'event',
        key: `event ${entry.at} ${index}`,
        at: entry.at,
        actor: entry.actor,
        words,
        device: deviceOf(entry),
        tone: strong.has(entry.action) ? 'strong' : 'quiet',
      },
    ];
  });
  const said = comments.map(
    (comment): TimelineEntry => ({ kind: 'comment', key: comment.id, at: comment.created_at, comment }),
  );
  const all = [...events, ...said].toSorted((first, second) => Date.parse(first.at) - Date.parse(second.at));
  // The same person doing the same thing again and again is one line.
  return all.filter((entry, index) => {
    const next = all[index + 1];
    return !(
      entry.kind === 'event' &&
      next?.kind === 'event' &&
      entry.words === next.words &&
      entry.actor.id === next.actor.id &&
      entry.tone === 'quiet'
    );
  });
};
