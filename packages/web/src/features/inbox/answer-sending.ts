import { type ItemView, inboxAnswer, inboxCorrect, type Problem } from '@atrium/protocol';
import { call, ProblemError, UnreachableError } from '../../data/client.ts';
import { invalidate } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { type Answer, keepAnswer } from './answer-queue.ts';
import { applyItem, invalidateBelow } from './items-cache.ts';

export type { Answer };

export type SendResult =
  | { kind: 'sent'; item: ItemView }
  /** Kept on this device; leaves when the connection is back. */
  | { kind: 'kept' }
  /** Somebody was first, or the item was taken back; the answer was not used. */
  | { kind: 'lost'; problem: Problem }
  | { kind: 'refused'; error: unknown };

const answered = (item: ItemView, { values, reply }: Answer): ItemView => {
  const me = queryClient.getQueryData(meQuery.queryKey)?.principal ?? null;
  // With several approvers the item may stay open; only the server knows.
  if (item.require && (item.require.n ?? 0) > 1) return item;
  return {
    ...item,
    status: 'answered',
    answered_by: me,
    answered_at: new Date().toISOString(),
    answer_source: 'person',
    response: values ?? null,
    reply: reply ?? null,
    claimed_by: null,
  };
};

/** Shows the answer as given, sends it, and tells honestly what became of it. */
export const sendAnswer = async (item: ItemView, answer: Answer, sealed = false): Promise<SendResult> => {
  // Nothing is said to be sent that may first ask who the person is.
  const rollback = item.step_up ? () => undefined : applyItem(answered(item, answer));
  try {
    const result = await call(inboxAnswer, { id: item.id, ...answer });
    applyItem(result);
    return { kind: 'sent', item: result };
  } catch (error) {
    // A sealed value is written nowhere but in the request itself, and a proof would be stale when a kept answer leaves.
    if (error instanceof UnreachableError && !sealed && !item.step_up) {
      keepAnswer(item, answer);
      return { kind: 'kept' };
    }
    rollback();
    if (error instanceof ProblemError && error.code === 'item_closed') {
      invalidateBelow(item.id, ['inbox.get_item']);
      return { kind: 'lost', problem: error.problem };
    }
    return { kind: 'refused', error };
  } finally {
    invalidateBelow(item.id, ['inbox.history', 'inbox.responses', 'inbox.get_draft']);
    void invalidate('inbox.counts');
  }
};

/** Replaces one's own answer within the window. */
export const sendCorrection = async (item: ItemView, answer: Answer): Promise<SendResult> => {
  const { values, reply } = answer;
  const rollback = applyItem({ ...item, response: values ?? item.response, reply: reply ?? item.reply });
  try {
    const result = await call(inboxCorrect, { id: item.id, ...answer });
    applyItem(result);
    return { kind: 'sent', item: result };
  } catch (error) {
    rollback();
    return { kind: 'refused', error };
  } finally {
    invalidateBelow(item.id, ['inbox.history', 'inbox.responses']);
  }
};
