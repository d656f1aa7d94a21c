import { hasPermission } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { CreationService } from './creation-service.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { withdraw } from './item-transitions.ts';
import type { OutsideDecision } from './items-rows.ts';
import { updateItem } from './items-store.ts';
import { findChannelByPurpose, insertSystemChannel } from './org-hooks-store.ts';
import { columnsOfDecision } from './outside-decision.ts';
import { lockOpenQuestion, setOnlyMember } from './questions-store.ts';

/** A question of another module to one person, which they accept or reject. */
export interface OutsideQuestion {
  org_id: string;
  person_id: string;
  title: string;
  message: string;
  summary: string;
  level: 'info' | 'warning';
  tool: string;
  arguments: Record<string, unknown>;
  expires_at: Date;
}

const longestTitle = 200;

/** Text of somebody else inside markdown of ours: no marks, no links, one line. */
export const plain = (text: string): string =>
  text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .replace(/[\\`*_{}[\]()<>#+\-.!|~:&@/]/g, (mark) => `\\${mark}`);

/** The same as a title, which is no markdown. */
export const titleOf = (text: string): string => text.replace(/[\p{C}\s]+/gu, ' ').slice(0, longestTitle);

/** Questions of other modules as items for the one person they are put to. */
export const createQuestionsService = ({ clock, personIn }: InboxParts, creation: CreationService) => {
  /** A channel that nobody else sees, as an item without one is seen by the whole organisation. */
  const channelOf = async (tx: Transaction, org_id: string, person: string): Promise<string> => {
    const purpose = `oauth_approvals:${person}`;
    const at = clock.now();
    const found = await findChannelByPurpose(tx.db, org_id, purpose);
    const id = found ?? newId();
    if (found === null) {
      const description = 'What one person is asked to approve';
      const channel = { id, org_id, description, mode: 'private', purpose, at } as const;
      // Somebody may have given a channel of their own the short name.
      const made =
        (await insertSystemChannel(tx.db, { ...channel, name: `approvals-${person.slice(-6)}` })) ||
        (await insertSystemChannel(tx.db, { ...channel, name: `approvals-${person}` }));
      if (!made) throw new Error('The channel of a person could not be made.');
    }
    await setOnlyMember(tx.db, { id, org_id }, person, at);
    return id;
  };

  return {
    /** Somebody who could answer: an active member who may decide items there. */
    canDecide: async (org_id: string, id: string): Promise<boolean> => {
      const person = await personIn(org_id, id);
      return person !== null && ['items.read', 'items.write'].every((one) => hasPermission(person.permissions, one));
    },

    ask: async (tx: Transaction, call: Call, question: OutsideQuestion, decides: OutsideDecision): Promise<void> => {
      const { org_id, person_id, expires_at, title, message, summary, level, tool } = question;
      const left = Math.max(1000, expires_at.getTime() - clock.now().getTime());
      await creation.createIn(
        tx,
        callAs(call, systemCaller({ id: org_id })),
        {
          ...{ title: titleOf(title), message, level, priority: 3 },
          channel: await channelOf(tx, org_id, person_id),
          approval: { tool, arguments: question.arguments, allow: { edit: false, respond: false }, summary },
          require: { any_of: [person_id] },
          ...{ assignee: person_id, watchers: [person_id], on_timeout: 'expire', ttl_ms: left },
          ...{ tags: [], metadata: {}, actions: [], related_to: [], escalation: [], reminders_s: [] },
        },
        columnsOfDecision(decides),
      );
    },

    /** What another module has to say to one person, for which there is nothing to decide. */
    tell: async (
      tx: Transaction,
      call: Call,
      notice: Pick<OutsideQuestion, 'org_id' | 'person_id' | 'title' | 'message' | 'level'>,
    ): Promise<void> => {
      const { org_id, person_id, title, message, level } = notice;
      await creation.createIn(tx, callAs(call, systemCaller({ id: org_id })), {
        ...{ title: titleOf(title), message, level, priority: 3 },
        channel: await channelOf(tx, org_id, person_id),
        ...{ assignee: person_id, watchers: [person_id] },
        ...{ tags: [], metadata: {}, actions: [], related_to: [], escalation: [], reminders_s: [] },
      });
    },

    /** The question needs no answer any more. Its item is locked before what it is about, as by who answers it. */
    withdraw: async (
      tx: Transaction,
      call: Call,
      org_id: string,
      decides: OutsideDecision,
      reason: string,
    ): Promise<void> => {
      const item = await lockOpenQuestion(tx.db, org_id, decides);
      if (item === null) return;
      const caller = systemCaller({ id: org_id });
      const now = clock.now();
      const step = withdraw(reason)(item, { caller, now });
      if (step === null) return;
      const changed = (await updateItem(tx.db, item.id, { ...step.change, updated_at: now })) ?? item;
      emitItem(tx, step.event, changed);
      auditItem(tx, 'inbox.withdraw', changed, { by: call.caller.id });
    },
  };
};

export type QuestionsService = ReturnType<typeof createQuestionsService>;
