import type { Database } from '../../platform/db/database.ts';
import type { EventFilter, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { findChannelAudience, findItemAudiences, findSeen } from './inbox-events-store.ts';
import { audienceOf, channelAudienceOf, channelVisibleTo, mayHear, visibleTo } from './inbox-policy.ts';

type Body = Record<string, unknown> | null;

/** What a receiver must see in order to hear of an event. */
type Subject =
  | { kind: 'items'; ids: string[]; each: boolean }
  | { kind: 'channel'; id: string }
  | { kind: 'everybody' };

const subjectOf = (event: StoredEvent): Subject => {
  if (event.kind === 'inbox.bulk.updated')
    return { kind: 'items', ids: (event.body['ids'] as string[]) ?? [], each: true };
  if (event.kind.startsWith('inbox.channel.')) return { kind: 'channel', id: event.id };
  if (event.kind.startsWith('inbox.template.')) return { kind: 'everybody' };
  // Comments and attachments are as visible as their item.
  const item_id = event.body['item_id'];
  return { kind: 'items', ids: [typeof item_id === 'string' ? item_id : event.id], each: false };
};

/** A bulk event names only the items its receiver sees. */
const bodyFor = (event: StoredEvent, subject: Subject, seen: ReadonlySet<string>): Body => {
  if (subject.kind === 'everybody') return event.body;
  if (subject.kind === 'channel') return seen.has(subject.id) ? event.body : null;
  const ids = subject.ids.filter((id) => seen.has(id));
  if (ids.length === 0) return null;
  return subject.each ? { ...event.body, ids } : event.body;
};

const nothing: ReadonlySet<string> = new Set();

export const createInboxEventFilter = ({ read }: Database): EventFilter => {
  /** By receiver id: the subjects of the event that they see. */
  const audienceFor = async (
    event: StoredEvent,
    subject: Subject,
    ids: readonly string[],
  ): Promise<Map<string, ReadonlySet<string>>> => {
    if (subject.kind === 'everybody' || ids.length === 0) return new Map();
    if (subject.kind === 'channel') {
      const hearing = await findChannelAudience(read, event.org_id, subject.id, ids, channelAudienceOf);
      return new Map(hearing.map((id) => [id, new Set([subject.id])]));
    }
    const rows = await findItemAudiences(read, event.org_id, subject.ids, ids, audienceOf);
    return new Map(rows.map((row) => [row.id, new Set(row.item_ids)]));
  };

  const fanOut = async (event: StoredEvent, receivers: readonly Caller[]): Promise<Body[]> => {
    const subject = subjectOf(event);
    const able = receivers.map((receiver) => receiver.org_id === event.org_id && mayHear(receiver));
    const asked = receivers.filter((receiver, i) => able[i] && receiver.kind !== 'system');
    const audience = await audienceFor(event, subject, [...new Set(asked.map((receiver) => receiver.id))]);
    return receivers.map((receiver, i) => {
      if (!able[i]) return null;
      return receiver.kind === 'system' ? event.body : bodyFor(event, subject, audience.get(receiver.id) ?? nothing);
    });
  };

  const replay = async (caller: Caller, events: readonly StoredEvent[]): Promise<Body[]> => {
    const able = events.map((event) => event.org_id === caller.org_id && mayHear(caller));
    const subjects = events.map(subjectOf);
    const items = subjects.flatMap((subject) => (subject.kind === 'items' ? subject.ids : []));
    const channels = subjects.flatMap((subject) => (subject.kind === 'channel' ? [subject.id] : []));
    const seen = able.includes(true)
      ? await findSeen(
          read,
          { items: [...new Set(items)], channels: [...new Set(channels)] },
          { item: visibleTo(caller, { deleted: true }), channel: channelVisibleTo(caller, { deleted: true }) },
        )
      : nothing;
    return events.map((event, i) => {
      if (!able[i]) return null;
      return caller.kind === 'system' ? event.body : bodyFor(event, subjects[i]!, seen);
    });
  };

  return { prefix: 'inbox.', fanOut, replay };
};
