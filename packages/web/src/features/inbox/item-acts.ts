import {
  type InputOf,
  type ItemView,
  inboxAck,
  inboxArchive,
  inboxAssign,
  inboxBulk,
  inboxClaim,
  inboxDeleteItem,
  inboxDismiss,
  inboxPin,
  inboxRelease,
  inboxRestore,
  inboxSnooze,
  inboxUnarchive,
  inboxUnpin,
  inboxUnsnooze,
  inboxUnwatch,
  inboxWatch,
  inboxWithdraw,
  type Operation,
} from '@atrium/protocol';
import { call, sayError } from '../../data/client.ts';
import { deferOperation, invalidate } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { relativeTime } from '../../ui/time-format.ts';
import { toast } from '../../ui/toast.tsx';
import { applyItem, invalidateBelow, removeItem } from './items-cache.ts';

type ItemOperation = Operation & { output: { _zod: { output: ItemView } } };

interface Write<O extends ItemOperation> {
  operation: O;
  input: InputOf<O>;
  /** The item as it will be. */
  next: ItemView;
  /** Past tense; nothing is said without it. */
  said?: string;
  /** The opposite. */
  undo?: () => Promise<ItemView>;
}

/** Draws the result, sends, then draws what the server made of it; a refusal puts everything back and says why. */
const write = async <O extends ItemOperation>({ operation, input, next, said, undo }: Write<O>): Promise<void> => {
  const rollback = applyItem(next);
  const sent = call(operation, input) as Promise<ItemView>;
  const takeBack = async () => {
    try {
      await sent;
      applyItem(await undo!());
    } catch (error) {
      toast({ title: 'This could not be undone', detail: sayError(error), tone: 'danger' });
    }
  };
  const close = said ? toast({ title: said, ...(undo ? { undo: () => void takeBack() } : {}) }) : () => undefined;
  try {
    applyItem(await sent);
  } catch (error) {
    rollback();
    close();
    toast({ title: sayError(error), tone: 'danger' });
  } finally {
    await invalidate('inbox.counts');
  }
};

const now = (): string => new Date().toISOString();
const myself = (): ItemView['created_by'] | null => queryClient.getQueryData(meQuery.queryKey)?.principal ?? null;

export const acknowledge = (item: ItemView): void => {
  if (item.viewed_at) return;
  void write({ operation: inboxAck, input: { id: item.id }, next: { ...item, viewed_at: now() } });
};

export const dismiss = (item: ItemView): void => {
  if (item.status !== 'open') return;
  if (item.step_up)
    return void toast({
      title: 'Approve or reject this request',
      detail: 'Somebody waits for the decision; otherwise it ends when its time is over.',
    });
  void write({
    operation: inboxDismiss,
    input: { id: item.id },
    next: { ...item, status: 'dismissed' },
    said: item.kind === 'notice' ? 'Dismissed' : 'Dismissed without an answer',
    undo: () => call(inboxRestore, { id: item.id }),
  });
};

export const restore = (item: ItemView): void =>
  void write({
    operation: inboxRestore,
    input: { id: item.id },
    next: { ...item, status: 'open', expires_at: null },
    said: 'Reopened',
  });

export const withdraw = (item: ItemView): void =>
  void write({
    operation: inboxWithdraw,
    input: { id: item.id },
    next: { ...item, status: 'withdrawn' },
    said: 'Withdrawn',
    undo: () => call(inboxRestore, { id: item.id }),
  });

export const snooze = (item: ItemView, until: string): void =>
  void write({
    operation: inboxSnooze,
    input: { id: item.id, until },
    next: { ...item, snoozed_until: until },
    said: `Back ${relativeTime(Date.parse(until), Date.now())}`,
    undo: () => call(inboxUnsnooze, { id: item.id }),
  });

export const unsnooze = (item: ItemView): void =>
  void write({
    operation: inboxUnsnooze,
    input: { id: item.id },
    next: { ...item, snoozed_until: null },
    said: 'Back in the inbox',
  });

export const archive = (item: ItemView): void =>
  item.archived_at
    ? void write({
        operation: inboxUnarchive,
        input: { id: item.id },
        next: { ...item, archived_at: null },
        said: 'Back from the archive',
      })
    : void write({
        operation: inboxArchive,
        input: { id: item.id },
        next: { ...item, archived_at: now() },
        said: 'Archived',
        undo: () => call(inboxUnarchive, { id: item.id }),
      });

export const pin = (item: ItemView): void =>
  void write({
    operation: item.pinned_at ? inboxUnpin : inboxPin,
    input: { id: item.id },
    next: { ...item, pinned_at: item.pinned_at ? null : now() },
  });

export const claim = (item: ItemView): void => {
  const me = myself();
  const until = new Date(Date.now() + 120_000).toISOString();
  void write({
    operation: inboxClaim,
    input: { id: item.id },
    next: { ...item, claimed_by: me && { ...me, until } },
  });
};

export const release = (item: ItemView): void =>
  void write({ operation: inboxRelease, input: { id: item.id }, next: { ...item, claimed_by: null } });

export const assign = (item: ItemView, person: { id: string; name: string } | null): void =>
  void write({
    operation: inboxAssign,
    input: { id: item.id, assignee: person?.id ?? null },
    next: { ...item, assignee: person && { type: 'user', ...person } },
    said: person ? `Assigned to ${person.name}` : 'Assigned to nobody',
    undo: () => call(inboxAssign, { id: item.id, assignee: item.assignee?.id ?? null }),
  });

/** Follows or stops following; both answer nothing, so the drawn state stays. */
export const watch = async (item: ItemView): Promise<void> => {
  const rollback = applyItem({ ...item, watching: !item.watching });
  try {
    await call(item.watching ? inboxUnwatch : inboxWatch, { id: item.id });
    invalidateBelow(item.id, ['inbox.list_watchers']);
    await invalidate('inbox.counts');
  } catch (error) {
    rollback();
    toast({ title: sayError(error), tone: 'danger' });
  }
};

/** Deleting has no opposite: the call leaves when the ten seconds of Undo are over. */
export const remove = (item: ItemView): void =>
  deferOperation(
    inboxDeleteItem,
    { id: item.id },
    {
      title: `Deleted “${item.title.slice(0, 60)}” for everybody`,
      optimistic: () => [removeItem(item.id)],
      invalidates: ['inbox.counts'],
    },
  );

type BulkOp = InputOf<typeof inboxBulk>['op'];
interface Bulk {
  op: BulkOp;
  /** Past tense with the number: "Dismissed 3". */
  said: string;
  args?: InputOf<typeof inboxBulk>['args'];
  change: (item: ItemView) => ItemView;
  opposite?: BulkOp;
}

const mostAtOnce = 200;

/** One act on many items, optimistic, with its opposite as undo. */
export const actOnAll = async (items: readonly ItemView[], bulk: Bulk): Promise<void> => {
  const rollbacks = items.map((item) => applyItem(bulk.change(item)));
  const ids = items.map((item) => item.id);
  const send = async (op: BulkOp, args: Bulk['args'] = {}) => {
    for (let from = 0; from < ids.length; from += mostAtOnce) {
      const result = await call(
        inboxBulk,
        { ids: ids.slice(from, from + mostAtOnce), op, args },
        { idempotencyKey: crypto.randomUUID() },
      );
      const first = result.failed[0];
      if (first)
        toast({
          title: `${result.failed.length} of ${ids.length} stayed as they were`,
          detail: first.detail,
          tone: 'danger',
        });
      for (const { id } of result.failed) rollbacks[ids.indexOf(id)]?.();
    }
  };
  const sent = send(bulk.op, bulk.args);
  const { opposite } = bulk;
  toast({
    title: bulk.said,
    ...(opposite
      ? {
          undo: () => {
            for (const rollback of rollbacks.toReversed()) rollback();
            void sent
              .then(() => send(opposite))
              .catch((error: unknown) =>
                toast({ title: 'This could not be undone', detail: sayError(error), tone: 'danger' }),
              )
              .finally(() => invalidate('inbox.counts', 'inbox.list_items'));
          },
        }
      : {}),
  });
  try {
    await sent;
  } catch (error) {
    for (const rollback of rollbacks.toReversed()) rollback();
    toast({ title: sayError(error), tone: 'danger' });
  } finally {
    await invalidate('inbox.counts');
  }
};
