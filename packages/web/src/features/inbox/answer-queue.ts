import { type ApprovalReply, type ItemView, inboxAnswer } from '@atrium/protocol';
import { call, ProblemError, UnreachableError } from '../../data/client.ts';
import { onReady } from '../../data/live.ts';
import { invalidate } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { createExternalStore, useExternalStore } from '../../ui/external-store.ts';
import { readRemembered, writeRemembered } from '../../ui/remembered.ts';
import { toast } from '../../ui/toast.tsx';
import { sayLost } from './answer-words.ts';
import { applyItem, invalidateBelow } from './items-cache.ts';

/** What a person gives: values of a form, or the reply to an approval. */
export interface Answer {
  values?: Record<string, unknown> | undefined;
  reply?: ApprovalReply | undefined;
}

interface Kept extends Answer {
  item_id: string;
  title: string;
  at: string;
}

// Answers of one person never leave in the session of another who uses this browser.
const storeKey = (): string => `answers.${queryClient.getQueryData(meQuery.queryKey)?.principal.id ?? 'nobody'}`;

const waiting = createExternalStore<readonly Kept[]>([]);
const set = (next: readonly Kept[]): void => {
  waiting.set(next);
  writeRemembered(storeKey(), next);
};

/** The answer to an item that waits on this device for the connection. */
export const useKeptAnswer = (item_id: string): Kept | undefined =>
  useExternalStore(waiting).find((kept) => kept.item_id === item_id);

/** Keeps an answer that could not leave. A later one to the same item replaces it. */
export const keepAnswer = (item: ItemView, { values, reply }: Answer): void => {
  const kept: Kept = { item_id: item.id, title: item.title, at: new Date().toISOString(), values, reply };
  set([...waiting.get().filter((other) => other.item_id !== item.id), kept]);
};

export const dropAnswer = (item_id: string): void => {
  set(waiting.get().filter((other) => other.item_id !== item_id));
  invalidateBelow(item_id, ['inbox.get_item']);
};

let sending = false;

/** Sends what waits, oldest first. The first writer wins on the server, so sending twice answers once. */
const sendKept = async (): Promise<void> => {
  if (sending) return;
  sending = true;
  try {
    for (const kept of waiting.get()) {
      if (!(await sendOne(kept))) return;
      set(waiting.get().filter((other) => other !== kept));
    }
  } finally {
    sending = false;
    await invalidate('inbox.counts');
  }
};

/** False when the server still cannot be reached. */
const sendOne = async ({ item_id, title, values, reply }: Kept): Promise<boolean> => {
  try {
    applyItem(await call(inboxAnswer, { id: item_id, values, reply }));
    toast({ title: 'Your answer was sent', detail: title, tone: 'success' });
  } catch (error) {
    if (error instanceof UnreachableError) return false;
    const why =
      error instanceof ProblemError && error.code === 'item_closed' ? sayLost(error.problem) : (error as Error).message;
    toast({ title: 'Your kept answer was not used', detail: `${title}: ${why}`, tone: 'danger' });
    invalidateBelow(item_id, ['inbox.get_item']);
    void invalidate('inbox.list_items');
  }
  return true;
};

/** Called once after sign-in. */
export const listenForConnection = (): void => {
  waiting.set(readRemembered<Kept[]>(storeKey(), []));
  addEventListener('online', () => void sendKept());
  onReady(() => void sendKept());
};
