import { type inboxStats, itemLevels, type OutputOf, type ParsedInputOf } from '@atrium/protocol';
import { invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { InboxParts } from './inbox-parts.ts';
import { visibleTo } from './inbox-policy.ts';
import { readStats, type StatsRow, type TallyRow } from './stats-store.ts';

type Stats = OutputOf<typeof inboxStats>;

/** Counts and times of what the caller sees, and of nothing else. */
export interface StatsService {
  read(call: Call, input: ParsedInputOf<typeof inboxStats>): Promise<Stats>;
}

const mostRows = 50;

/** A region's name. Offsets such as +02:00 are refused: PostgreSQL counts them the other way round. */
const isTimeZone = (name: string): boolean => {
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const isUnknownZone = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === '22023';

const badZone = () => invalid('time_zone', 'is no time zone such as Europe/Berlin');

export const createStatsService = ({ database, clock }: InboxParts): StatsService => ({
  read: async (call, { days, time_zone }) => {
    if (!isTimeZone(time_zone)) throw badZone();
    const window = { org_id: call.caller.org_id, days, time_zone, now: clock.now(), most: mostRows };
    try {
      return present(await readStats(database.read, visibleTo(call.caller), window));
    } catch (error) {
      if (isUnknownZone(error)) throw badZone();
      throw error;
    }
  },
});

const present = (row: StatsRow): Stats => {
  const ranking = (by: TallyRow['by']) =>
    row.tallies.filter((tally) => tally.by === by).map(({ by: _by, ...tally }) => tally);
  return {
    open_by_level: Object.fromEntries(
      itemLevels.map((level) => [level, row.open_by_level[level] ?? 0]),
    ) as Stats['open_by_level'],
    answered_today: row.answered_today,
    median_answer_s: row.median_answer_s,
    p90_answer_s: row.p90_answer_s,
    per_day: row.per_day,
    per_agent: ranking('agent'),
    per_channel: ranking('channel'),
    per_person: ranking('person'),
  };
};
