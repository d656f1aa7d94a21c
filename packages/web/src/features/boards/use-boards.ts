import { type BoardSummary, boardsList } from '@atrium/protocol';
import { useOperation } from '../../data/operations.ts';

const none: readonly BoardSummary[] = [];

/** There are forty at most, so one page has them all. */
export const useBoards = (): readonly BoardSummary[] => useOperation(boardsList, { limit: 200 }).data?.items ?? none;
