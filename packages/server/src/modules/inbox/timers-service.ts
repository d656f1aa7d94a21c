import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { AnswersService } from './answers-service.ts';
import { deleteOldDrafts } from './drafts-store.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf } from './inbox-policy.ts';
import { findChannelMemberAudience, findTeamAudience, type PersonRow } from './item-people-store.ts';
import type { EscalationStep, ItemRow } from './items-rows.ts';
import { addWatchers, findAudience, updateItem } from './items-store.ts';
import { enqueueEscalation, enqueueReminder, escalationDue, remindersOf } from './timers.ts';
import {
  archiveOld,
  type DueRow,
  findEscalating,
  findExpired,
  findOrgsWithOld,
  findReminding,
  findWaking,
  lockEscalating,
  lockExpired,
  lockReminding,
  lockWaking,
} from './timers-store.ts';

/** Which item, in which of its lives. */
interface TimerOf {
  org_id: string;
  item_id: string;
}

/** Acts of time. Each looks at the row again before it acts, so an early, late or repeated run does nothing. */
export interface TimersService {
  expire(timer: TimerOf & { generation: number }): Promise<void>;
  escalate(timer: TimerOf & { generation: number; step: number }): Promise<void>;
  remind(timer: TimerOf & { generation: number; n: number }): Promise<void>;
  wake(timer: TimerOf & { snooze_generation: number }): Promise<void>;
  /** Does what no job did: after a crash between commit and job, or a lost queue. */
  sweepDue(): Promise<void>;
  sweepOld(): Promise<void>;
}

const batch = 200;
const watchersAtMost = 100;
const day = 86_400_000;

export const createTimersService = (parts: InboxParts, answers: AnswersService): TimersService => {
  const { database, clock } = parts;

  const asSystem = (org_id: string, act: (tx: Transaction, call: Call) => Promise<void>): Promise<void> => {
    const call = internalCall(systemCaller({ id: org_id }), newId());
    return database.transaction(call, (tx) => act(tx, call));
  };
  const life = (timer: TimerOf & { generation: number }) => ({ ...timer, id: timer.item_id });

  const reachedBy = async (tx: Transaction, item: ItemRow, { to }: EscalationStep): Promise<PersonRow[]> => {
    switch (to.kind) {
      case 'user':
        return findAudience(tx.db, item.id, [to.id], audienceOf);
      case 'team':
        return findTeamAudience(tx.db, item.id, to.id, audienceOf);
      case 'channel':
        return findChannelMemberAudience(tx.db, item.id, to.id, audienceOf);
      default:
        return to.kind satisfies never;
    }
  };

  const expire: TimersService['expire'] = (timer) =>
    asSystem(timer.org_id, async (tx) => {
      const item = await lockExpired(tx.db, life(timer), clock.now());
      if (item !== null) await answers.timeOut(tx, item, 'timeout');
    });

  const escalate: TimersService['escalate'] = (timer) =>
    asSystem(timer.org_id, async (tx) => {
      const now = clock.now();
      const item = await lockEscalating(tx.db, life(timer), timer.step, now);
      const step = item?.escalation[timer.step];
      if (item === null || step === undefined) return;
      const people = await reachedBy(tx, item, step);
      await addWatchers(tx.db, item, people.slice(0, watchersAtMost), now);
      const next = { escalated_steps: timer.step + 1, next_escalation_at: escalationDue(item, timer.step + 1) };
      const person = step.to.kind === 'user' && people.length > 0 ? { assignee_id: step.to.id } : {};
      const changed =
        (await updateItem(tx.db, item.id, { ...next, ...person, snoozed_until: null, updated_at: now })) ?? item;
      enqueueEscalation(tx, changed);
      emitItem(tx, 'escalated', changed, { step: timer.step, to: step.to, reached: people.map((one) => one.id) });
      auditItem(tx, 'inbox.escalate', changed, { step: timer.step, to: step.to, reached: people.length });
    });

  const remind: TimersService['remind'] = (timer) =>
    asSystem(timer.org_id, async (tx) => {
      const now = clock.now();
      const item = await lockReminding(tx.db, life(timer), timer.n, now);
      if (item === null) return;
      const next = { reminders_sent: timer.n + 1, next_reminder_at: remindersOf(item)[timer.n + 1] ?? null };
      const changed = (await updateItem(tx.db, item.id, { ...next, updated_at: now })) ?? item;
      enqueueReminder(tx, changed);
      emitItem(tx, 'reminded', changed, { deadline_at: item.deadline_at, n: timer.n });
      auditItem(tx, 'inbox.remind', changed, { n: timer.n });
    });

  const wake: TimersService['wake'] = (timer) =>
    asSystem(timer.org_id, async (tx) => {
      const now = clock.now();
      const item = await lockWaking(tx.db, { ...timer, id: timer.item_id }, timer.snooze_generation, now);
      if (item === null) return;
      const changed = (await updateItem(tx.db, item.id, { snoozed_until: null, updated_at: now })) ?? item;
      if (item.status !== 'open' || item.deleted_at !== null) return;
      emitItem(tx, 'woken', changed);
      auditItem(tx, 'inbox.wake', changed);
    });

  /** Works off what is due, batch by batch; one item that fails does not stop the others. */
  const drain = async (
    find: () => Promise<DueRow[]>,
    act: (row: DueRow) => Promise<void>,
    what: string,
  ): Promise<void> => {
    const failed = new Set<string>();
    for (;;) {
      const due = (await find()).filter((row) => !failed.has(row.id));
      for (const row of due) {
        await act(row).catch((error: unknown) => {
          failed.add(row.id);
          parts.onError(error, what);
        });
      }
      if (due.length === 0) return;
    }
  };
  const timerOf = (row: DueRow) => ({ org_id: row.org_id, item_id: row.id, generation: row.generation });

  return {
    expire,
    escalate,
    remind,
    wake,

    sweepDue: async () => {
      const { read } = database;
      await drain(
        () => findEscalating(read, clock.now(), batch),
        (row) => escalate({ ...timerOf(row), step: row.escalated_steps }),
        'escalate',
      );
      await drain(
        () => findExpired(read, clock.now(), batch),
        (row) => expire(timerOf(row)),
        'expire',
      );
      await drain(
        () => findWaking(read, clock.now(), batch),
        (row) => wake({ ...timerOf(row), snooze_generation: row.snooze_generation }),
        'wake',
      );
      await drain(
        () => findReminding(read, clock.now(), batch),
        (row) => remind({ ...timerOf(row), n: row.reminders_sent }),
        'remind',
      );
    },

    sweepOld: async () => {
      const now = clock.now();
      for (const org_id of await findOrgsWithOld(database.read, new Date(now.getTime() - day))) {
        const { archive_after_days } = await parts.settingsOf(org_id);
        const before = new Date(now.getTime() - archive_after_days * day);
        for (let archived = batch; archived === batch; ) {
          await asSystem(org_id, async (tx) => {
            const ids = await archiveOld(tx.db, org_id, before, now, batch);
            archived = ids.length;
            if (ids.length > 0) tx.emit({ kind: 'inbox.bulk.updated', id: newId(), body: { op: 'archive', ids } });
          });
        }
      }
      await asSystem('00000000-0000-0000-0000-000000000000', (tx) =>
        deleteOldDrafts(tx.db, new Date(now.getTime() - 30 * day)),
      );
    },
  };
};
