import { type diariesBulk, entryStatuses, type InputOf } from '@atrium/protocol';

export type BulkInput = InputOf<typeof diariesBulk>;

/** What entries were before an act, as far as the opposite act must know it. */
export interface Before {
  /** For each tag of the act: the entries that carried it. */
  tagged: ReadonlyMap<string, readonly string[]>;
  /** For each status that can be given back: the entries that had it. */
  statuses: ReadonlyMap<'active' | 'dead_end', readonly string[]>;
}

/** Exactly these, whatever became of them. */
export const whatever = (ids: readonly string[]): BulkInput['filter'] => ({
  ids: [...ids],
  status: [...entryStatuses],
  include_superseded: true,
  include_expired: true,
});

/** The questions whose answers `oppositeOf` needs; none for what the server itself can take back. */
export const askBefore = (
  input: BulkInput,
): { tags: { tag: string; input: BulkInput }[]; statuses: { status: 'active' | 'dead_end'; input: BulkInput }[] } => {
  const dry = (change: BulkInput['filter']): BulkInput => ({
    diary_ref: input.diary_ref,
    filter: { ...input.filter, ...change },
    action: 'archive',
    dry_run: true,
  });
  const touched = input.action === 'tag' ? [...(input.add_tags ?? []), ...(input.remove_tags ?? [])] : [];
  const had = input.filter.status ?? ['active'];
  return {
    tags: touched.map((tag) => ({ tag, input: dry({ tags: [...new Set([...(input.filter.tags ?? []), tag])] }) })),
    statuses:
      input.action === 'archive'
        ? (['active', 'dead_end'] as const)
            .filter((status) => had.includes(status))
            .map((status) => ({ status, input: dry({ status: [status] }) }))
        : [],
  };
};

/** The acts that make of the entries what they were. What the act did not change is left out of them. */
export const oppositeOf = (input: BulkInput, ids: readonly string[], before: Before): BulkInput[] => {
  const { diary_ref } = input;
  const acted = new Set(ids);
  const on = (some: readonly string[], act: Omit<BulkInput, 'diary_ref' | 'filter'>): BulkInput[] =>
    some.length === 0 ? [] : [{ diary_ref, filter: whatever(some), ...act }];
  switch (input.action) {
    case 'delete':
      return ids.length === 0 ? [] : [{ diary_ref, filter: { ids: [...ids] }, action: 'restore' }];
    case 'archive':
      return [...before.statuses].flatMap(([status, had]) =>
        on(
          had.filter((id) => acted.has(id)),
          { action: 'update', set: { status } },
        ),
      );
    case 'tag': {
      const had = (tag: string) => new Set(before.tagged.get(tag) ?? []);
      return [
        ...(input.add_tags ?? []).flatMap((tag) =>
          on(
            ids.filter((id) => !had(tag).has(id)),
            { action: 'tag', remove_tags: [tag] },
          ),
        ),
        ...(input.remove_tags ?? []).flatMap((tag) =>
          on(
            ids.filter((id) => had(tag).has(id)),
            { action: 'tag', add_tags: [tag] },
          ),
        ),
      ];
    }
    default:
      return [];
  }
};
