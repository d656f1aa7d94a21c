import type { ItemRow } from './items-rows.ts';

type DecidesColumns = Pick<ItemRow, 'oauth_approval_id' | 'decides_kind' | 'decides_id'>;

/** What an answer decides outside of the inbox: a request of another module that the item stands for. */
export interface OutsideDecision {
  kind: 'oauth_approval' | NonNullable<ItemRow['decides_kind']>;
  id: string;
}

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
