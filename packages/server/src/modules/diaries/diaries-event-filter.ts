import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import type { EventFilter, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { audienceStore, type Standing } from './audience-store.ts';
import { deletedKind } from './diaries-events.ts';
import { grantOfPrincipal, levels, mayHear } from './diaries-policy.ts';

type Body = Record<string, unknown> | null;

/** What is known about receivers and diaries when a batch is judged. */
interface Known {
  standings: ReadonlyMap<string, Standing>;
  quarantined: ReadonlySet<string>;
}

const shareKind = /^diary\.share/;
const entryKind = /^diary\.entry\./;

const keyOf = (a: string, b: string): string => `${a} ${b}`;
const diaryOf = (event: StoredEvent): string => String(event.body['diary_id']);

/** The offer concerns them, whether or not they read the diary. A team's share is its members' by reading. */
const isSubject = (event: StoredEvent, caller: Caller): boolean => {
  const subject = event.body['subject'] as { kind: string; id: string } | undefined;
  return subject?.id === caller.id && (subject.kind === 'user') === (caller.kind === 'user');
};

/** Readers of a deleted diary are named in the event itself, and learn nothing of each other. */
const deletedBody = (event: StoredEvent, caller: Caller): Body => {
  const { readers, ...body } = event.body as { readers?: { everybody: boolean; ids: string[] } };
  if (caller.kind === 'system' || readers?.everybody === true || readers?.ids.includes(caller.id) === true) return body;
  return null;
};

const shareBody = (event: StoredEvent, caller: Caller, level: number): Body => {
  if (level >= levels.owner || isSubject(event, caller)) return event.body;
  return null;
};

const bodyFor = (event: StoredEvent, caller: Caller, known: Known): Body => {
  if (event.org_id !== caller.org_id || !mayHear(caller)) return null;
  if (event.kind === deletedKind) return deletedBody(event, caller);
  if (caller.kind === 'system') return event.body;
  const standing = known.standings.get(keyOf(caller.id, diaryOf(event)));
  // The diary is gone, or the receiver is.
  if (standing === undefined) return null;
  const level = standing.level ?? 0;
  if (shareKind.test(event.kind)) return shareBody(event, caller, level);
  if (level === 0 && standing.visibility === 'private') return null;
  if (!entryKind.test(event.kind)) return event.body;
  const setAside = event.body['status'] === 'quarantined' || known.quarantined.has(event.id);
  return setAside && level < levels.writer ? null : event.body;
};

/** Live events and replayed ones go by what the receiver may read now: what was taken back takes its past along. */
export const createDiariesEventFilter = ({ read }: Database, clock: Clock): EventFilter => {
  const learn = async (org_id: string, events: readonly StoredEvent[], callers: readonly Caller[]): Promise<Known> => {
    const asked = callers.filter((caller) => caller.org_id === org_id && caller.kind !== 'system' && mayHear(caller));
    if (asked.length === 0 || events.length === 0) return { standings: new Map(), quarantined: new Set() };
    const diaries = [...new Set(events.map(diaryOf))];
    const entries = events.filter((event) => entryKind.test(event.kind)).map((event) => event.id);
    const people = [...new Set(asked.map((caller) => caller.id))];
    const [rows, quarantined] = await Promise.all([
      audienceStore.standings(read, grantOfPrincipal(clock.now()), org_id, diaries, people),
      entries.length === 0 ? [] : audienceStore.quarantined(read, [...new Set(entries)]),
    ]);
    const standings = new Map(rows.map((row) => [keyOf(row.principal_id, row.diary_id), row]));
    return { standings, quarantined: new Set(quarantined) };
  };

  return {
    prefix: 'diary.',
    fanOut: async (event, receivers) => {
      const known = await learn(event.org_id, [event], receivers);
      return receivers.map((receiver) => bodyFor(event, receiver, known));
    },
    replay: async (caller, events) => {
      const own = events.filter((event) => event.org_id === caller.org_id);
      const known = await learn(caller.org_id, own, [caller]);
      return events.map((event) => bodyFor(event, caller, known));
    },
  };
};
