import type { ItemRow, OutsideDecision } from './items-rows.ts';

type DecidesColumns = Pick<ItemRow, 'oauth_approval_id' | 'decides_kind' | 'decides_id'>;

/** Null for ordinary items, which are decided here. */
export const decidedOutside = ({
  oauth_approval_id,
  decides_kind,
  decides_id,
}: DecidesColumns): OutsideDecision | null => {
  if (oauth_approval_id !== null) return { kind: 'oauth_approval', id: oauth_approval_id };
  return decides_kind === null || decides_id === null ? null : { kind: decides_kind, id: decides_id };
};

export const columnsOfDecision = ({ kind, id }: OutsideDecision): DecidesColumns =>
  kind === 'oauth_approval'
    ? { oauth_approval_id: id, decides_kind: null, decides_id: null }
    : { oauth_approval_id: null, decides_kind: kind, decides_id: id };
