import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { callAs } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { ApprovalAsker, ApprovalQuestion } from '../oauth/index.ts';
import { lockOpenApproval, setOnlyMember } from './approvals-store.ts';
import type { CreationService } from './creation-service.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { withdraw } from './item-transitions.ts';
import { updateItem } from './items-store.ts';
import { findChannelByPurpose, insertSystemChannel } from './org-hooks-store.ts';

const longestTitle = 200;

/** Text of somebody else inside markdown of ours: no marks, no links, one line. */
const plain = (text: string): string =>
  text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .replace(/[\\`*_{}[\]()<>#+\-.!|~:&@/]/g, (mark) => `\\${mark}`);

const said = (value: unknown): string => plain(typeof value === 'string' ? value : JSON.stringify(value));

const labelOf = (name: string): string => {
  const words = name.replaceAll('_', ' ');
  return plain(words.charAt(0).toUpperCase() + words.slice(1));
};

const listOf = (entries: readonly string[]): string => entries.map((entry) => `- ${entry}`).join('\n');

/** Who asks, for what and with which reach, before anything that the client itself says. */
export const messageOf = (question: ApprovalQuestion): string => {
  const { client, transaction, binding_message, may, resources } = question;
  const who = `**${plain(client.name)}**${client.agent ? ', an agent of this organisation,' : ''}${client.host === null ? '' : ` at ${plain(client.host)}`}`;
  const what =
    question.kind === 'ciba'
      ? 'wants to sign you in there without this browser.'
      : 'asks you to approve one transaction.';
  const { title, type: _type, ...rest } = transaction ?? {};
  const facts = Object.entries(rest).map(([name, value]) => `${labelOf(name)}: ${said(value)}`);
  const where = resources.length === 0 ? '' : ` (${resources.map(plain).join(', ')})`;
  return [
    `${who} ${what} If you did not start this, reject it.`,
    ...(title === undefined ? [] : [`> ${said(title)}`]),
    ...(facts.length === 0 ? [] : [listOf(facts)]),
    ...(binding_message === null ? [] : [`It shows you this text as well: “${plain(binding_message)}”`]),
    ...(may.length === 0 ? [] : [`It would be allowed${where}:`, listOf(may.map(plain))]),
  ].join('\n\n');
};

const titleOf = ({ kind, client, transaction }: ApprovalQuestion): string =>
  (kind === 'ciba' ? `${client.name} wants to sign you in` : `${client.name}: ${String(transaction?.['title'])}`)
    .replace(/[\p{C}\s]+/gu, ' ')
    .slice(0, longestTitle);

const reasons = {
  client: 'The application took its request back.',
  operator: 'Somebody who runs this server ended the request.',
};

/** Requests of the authorization server as items for the one person they are put to. */
export const createApprovalsService = ({ clock }: InboxParts, creation: CreationService): ApprovalAsker => {
  /** A channel that nobody else sees, as an item without one is seen by the whole organisation. */
  const channelOf = async (tx: Transaction, org_id: string, person: string): Promise<string> => {
    const purpose = `oauth_approvals:${person}`;
    const at = clock.now();
    const found = await findChannelByPurpose(tx.db, org_id, purpose);
    const id = found ?? newId();
    if (found === null) {
      const description = 'What applications ask one person to approve';
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
    ask: async (tx, call, question) => {
      const { org_id, person_id, expires_at, transaction, client } = question;
      const left = Math.max(1000, expires_at.getTime() - clock.now().getTime());
      const { type: _type, ...rest } = transaction ?? {};
      await creation.createIn(
        tx,
        callAs(call, systemCaller({ id: org_id })),
        {
          ...{ title: titleOf(question), message: messageOf(question), level: 'warning', priority: 3 },
          channel: await channelOf(tx, org_id, person_id),
          approval: {
            tool: question.kind === 'ciba' ? 'sign_in' : 'transaction',
            arguments: transaction === null ? { client: client.name } : rest,
            allow: { edit: false, respond: false },
            summary: `Do you approve this for **${plain(client.name)}**?`,
          },
          require: { any_of: [person_id] },
          ...{ assignee: person_id, watchers: [person_id], on_timeout: 'expire', ttl_ms: left },
          ...{ tags: [], metadata: {}, actions: [], related_to: [], escalation: [], reminders_s: [] },
        },
        { oauth_approval_id: question.id },
      );
    },

    withdraw: async (tx, call, { id, org_id, by }) => {
      const item = await lockOpenApproval(tx.db, org_id, id);
      if (item === null) return;
      const caller = systemCaller({ id: org_id });
      const now = clock.now();
      const step = withdraw(reasons[by])(item, { caller, now });
      if (step === null) return;
      const changed = (await updateItem(tx.db, item.id, { ...step.change, updated_at: now })) ?? item;
      emitItem(tx, step.event, changed);
      auditItem(tx, 'inbox.withdraw', changed, { by: call.caller.id });
    },
  };
};
