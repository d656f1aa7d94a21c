import type { OutputOf, orgsUsage } from '@atrium/protocol';

export type Usage = OutputOf<typeof orgsUsage>;

export interface Meter {
  id: string;
  label: string;
  used: number;
  /** null = no limit. */
  limit: number | null;
  say: (amount: number) => string;
}

const count = (amount: number): string => amount.toLocaleString('en');

/** "1.4 GB", with decimal units as disks are sold. */
export const bytes = (amount: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = amount < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(amount) / 3));
  const value = amount / 1000 ** power;
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${units[power]}`;
};

const limitOf = (usage: Usage, ...names: string[]): number | null => {
  for (const name of names) if (name in usage.limits) return usage.limits[name] ?? null;
  return null;
};

/** What is counted, with the names under which limits are kept. */
export const metersOf = (usage: Usage): Meter[] => [
  { id: 'seats', label: 'Members', used: usage.seats, limit: limitOf(usage, 'max_seats'), say: count },
  { id: 'agents', label: 'Agents', used: usage.agents, limit: limitOf(usage, 'agents'), say: count },
  { id: 'teams', label: 'Teams', used: usage.teams, limit: limitOf(usage, 'max_teams'), say: count },
  {
    id: 'items',
    label: 'Questions and notices this month',
    used: usage.notifications_this_month,
    limit: limitOf(usage, 'monthly_notifications'),
    say: count,
  },
  {
    id: 'storage',
    label: 'Files',
    used: usage.storage_bytes,
    limit: limitOf(usage, 'storage_bytes', 'max_storage_bytes'),
    say: bytes,
  },
];

/** Share of the limit that is used, 0 to 1; null without a limit. */
export const shareOf = ({ used, limit }: Meter): number | null =>
  limit === null ? null : limit === 0 ? 1 : Math.min(1, used / limit);
