import type { DiaryScope, DiaryView, DiaryVisibility, EntryStatus, EntryType, RelationKind } from '@atrium/protocol';

export const visibilityWords: Record<DiaryVisibility, string> = {
  private: 'Private',
  network: 'Network',
  public: 'Public',
};
export const visibilityHints: Record<DiaryVisibility, string> = {
  private: 'You, and those you share it with',
  network: 'Everybody who is signed in reads',
  public: 'Anybody reads, signed in or not',
};

export const roleWords: Record<DiaryView['role'], string> = { owner: 'Owner', writer: 'Writer', reader: 'Reader' };
export const roleHints = { reader: 'Reads entries', writer: 'Reads, writes and corrects entries' } as const;

export const scopeWords: Record<DiaryScope, string> = {
  own: 'Yours',
  shared: 'Shared with you',
  team: 'From a team',
  network: 'Network',
  public: 'Public',
};

export const typeWords: Record<EntryType, string> = {
  semantic: 'Fact',
  episodic: 'Event',
  procedural: 'Procedure',
  reflection: 'Reflection',
  identity: 'Identity',
  soul: 'Soul',
};
export const typeHints: Record<EntryType, string> = {
  semantic: 'What holds',
  episodic: 'What happened',
  procedural: 'How something is done',
  reflection: 'What was learnt from it',
  identity: 'Who the author is',
  soul: 'What the author stands for',
};

export const statusWords: Record<EntryStatus, string> = {
  active: 'Active',
  quarantined: 'Quarantined',
  archived: 'Archived',
  dead_end: 'Dead end',
};

/** A relation read from either of its ends. */
export const relationWords: Record<RelationKind, { from: string; to: string }> = {
  supersedes: { from: 'Supersedes', to: 'Superseded by' },
  elaborates: { from: 'Elaborates', to: 'Elaborated by' },
  contradicts: { from: 'Contradicts', to: 'Contradicted by' },
  supports: { from: 'Supports', to: 'Supported by' },
  caused_by: { from: 'Caused by', to: 'Caused' },
  references: { from: 'Refers to', to: 'Referred to by' },
};

/** In a signed diary an entry is written with a key, which no browser holds, and does not change afterwards. */
export const mayWrite = (diary: Pick<DiaryView, 'role' | 'signed'>): boolean =>
  diary.role !== 'reader' && !diary.signed;

/** What an entry is called where it has no title: its first line, without the signs of Markdown in front. */
export const entryName = (entry: { title: string | null; content: string | null }): string => {
  if (entry.title) return entry.title;
  const line = (entry.content ?? '').split('\n').find((one) => one.trim() !== '') ?? '';
  const plain = line.replace(/^[\s#>*-]+/u, '').trim();
  return plain === '' ? 'Untitled' : plain.length > 120 ? `${plain.slice(0, 119).trimEnd()}…` : plain;
};

/** Text on one line, without the signs of Markdown. */
export const onOneLine = (text: string): string =>
  text
    .replace(/^\s*(?:#{1,6}\s|>)/gmu, '')
    .replace(/[*`]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();

/** What an entry says on a few lines, beside the title or the line that it is called by. */
export const plainText = (entry: { title: string | null; content: string }): string =>
  onOneLine(entry.title ? entry.content : entry.content.trimStart().split('\n').slice(1).join(' '));

const inZone = (zone: string) => (zone ? { timeZone: zone } : {});

/** The day of a time in a zone, as 2026-11-27. */
export const dayOf = (time: number, zone: string): string =>
  new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', ...inZone(zone) }).format(time);

/** "Today", "Yesterday", "Thursday 20 November", with the year when it is another one. */
export const dayWords = (time: number, now: number, zone: string): string => {
  const day = dayOf(time, zone);
  if (day === dayOf(now, zone)) return 'Today';
  if (day === dayOf(now - 86_400_000, zone)) return 'Yesterday';
  const sameYear = day.slice(0, 4) === dayOf(now, zone).slice(0, 4);
  const words = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' as const }),
    ...inZone(zone),
  }).format(time);
  // With a year some browsers put a comma behind the weekday.
  return words.replace(',', '');
};

export const clockOf = (time: number, zone: string): string =>
  new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...inZone(zone) }).format(time);

/** Runs of entries of one day; they come in the order of time. */
export const byDay = <Entry extends { created_at: string }>(
  entries: readonly Entry[],
  zone: string,
): { day: string; entries: Entry[] }[] => {
  const days: { day: string; entries: Entry[] }[] = [];
  for (const entry of entries) {
    const day = dayOf(Date.parse(entry.created_at), zone);
    if (days.at(-1)?.day === day) days.at(-1)!.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
};

/** "3 Dec", with the year when it is another one. */
export const shortDay = (time: number, now: number, zone: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(dayOf(time, zone).slice(0, 4) === dayOf(now, zone).slice(0, 4) ? {} : { year: 'numeric' as const }),
    ...inZone(zone),
  }).format(time);

/** When an entry holds and when it leaves answers, as far as anything is said of it. The first is what matters most. */
export const timesOf = (
  entry: { valid_from: string | null; valid_to: string | null; expires_at: string | null },
  now: number,
): { label: string; time: number; past: boolean }[] => {
  const at = (time: string | null) => (time === null ? null : Date.parse(time));
  const [from, to, ends] = [at(entry.valid_from), at(entry.valid_to), at(entry.expires_at)];
  return [
    ...(ends === null
      ? []
      : [{ label: ends <= now ? 'Left answers' : 'Leaves answers', time: ends, past: ends <= now }]),
    ...(to === null ? [] : [{ label: to <= now ? 'Held until' : 'Holds until', time: to, past: to <= now }]),
    ...(from === null ? [] : [{ label: from <= now ? 'Holds since' : 'Holds from', time: from, past: from > now }]),
  ];
};
