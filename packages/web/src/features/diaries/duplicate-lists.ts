/** Proposals by what became of them. */
export const duplicateLists = {
  open: { label: 'To decide', status: ['proposed'], empty: 'Nothing is proposed to be merged' },
  merged: { label: 'Merged', status: ['accepted'], empty: 'Nothing was merged yet' },
  apart: { label: 'Kept apart', status: ['rejected'], empty: 'Nothing was kept apart yet' },
} as const satisfies Record<string, { label: string; status: ('proposed' | 'accepted' | 'rejected')[]; empty: string }>;

export type DuplicateList = keyof typeof duplicateLists;

/** What the address of the page says. */
export const parseDuplicates = (search: Record<string, unknown>): { list?: DuplicateList | undefined } => {
  const { list } = search;
  return list === 'merged' || list === 'apart' ? { list } : {};
};
