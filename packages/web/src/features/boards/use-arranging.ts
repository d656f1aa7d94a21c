import { type Board, type BoardGroup, type BoardGroupInput, boardsGet, boardsUpdate } from '@atrium/protocol';
import { useEffect, useRef, useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { invalidate, operationQuery } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { toast } from '../../ui/toast.tsx';
import { toInput } from './arranging.ts';
import { boardReads } from './board-stores.ts';

/**
 * The groups of a board as they are being arranged. A change shows at once and is sent; those that come while one is on
 * its way leave together behind it, on top of the version that it made.
 */
export const useArranging = (board: Board) => {
  const [draft, setDraft] = useState<BoardGroup[] | null>(null);
  const line = useRef({ version: board.version, sending: false, next: null as BoardGroupInput[] | null });
  useEffect(() => {
    line.current.version = Math.max(line.current.version, board.version);
  }, [board.version]);

  const send = async (groups: BoardGroupInput[]): Promise<boolean> => {
    const at = line.current;
    at.sending = true;
    try {
      for (let next: BoardGroupInput[] | null = groups; next !== null; next = at.next) {
        at.next = null;
        const saved: Board = await call(boardsUpdate, { id: board.id, version: at.version, groups: next });
        at.version = saved.version;
        queryClient.setQueryData(operationQuery(boardsGet, { id: board.id }).queryKey, saved);
      }
      return true;
    } catch (error) {
      at.next = null;
      const overtaken = error instanceof ProblemError && error.code === 'generation_conflict';
      toast(
        overtaken
          ? {
              title: 'Somebody changed this board meanwhile',
              detail: 'It shows theirs; your last change was taken back.',
              tone: 'danger',
            }
          : { title: sayError(error), tone: 'danger' },
      );
      return false;
    } finally {
      at.sending = false;
      await invalidate(...boardReads);
      setDraft(null);
    }
  };

  return {
    groups: draft ?? board.groups,
    /** Moves, sizes, names: what is known before the server answers. */
    change: (groups: BoardGroup[]): void => {
      setDraft(groups);
      if (line.current.sending) line.current.next = toInput(groups);
      else void send(toInput(groups));
    },
    /** What the server has to make first, such as a new tile. True once it is there. */
    write: (groups: BoardGroupInput[]): Promise<boolean> => send(groups),
  };
};
