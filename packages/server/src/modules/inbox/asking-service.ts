import {
  type ApprovalRequest,
  type Form,
  fromElicitation,
  type inboxAsk,
  type inboxNotify,
  type Outcome,
  type OutputOf,
  type ParsedInputOf,
  toElicitation,
} from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import { isUuid } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import type { Elicitation } from '../../platform/operations/elicit.ts';
import type { GivenAnswer } from './answer-values.ts';
import type { AnswersService } from './answers-service.ts';
import { type CreationService, requireQuestion } from './creation-service.ts';
import type { InboxParts } from './inbox-parts.ts';
import { formPatterns } from './inbox-regex.ts';
import { findOwner, findPrincipal } from './item-people-store.ts';
import { lockOpen, requireItem } from './items-access.ts';
import type { ItemRow } from './items-rows.ts';
import { outcomeOf } from './outcome.ts';
import type { WaitsService } from './waits-service.ts';

export interface AskingService {
  notify(call: Call, input: ParsedInputOf<typeof inboxNotify>): Promise<OutputOf<typeof inboxNotify>>;
  ask(call: Call, input: ParsedInputOf<typeof inboxAsk>): Promise<OutputOf<typeof inboxAsk>>;
}

export const createAskingService = (
  parts: InboxParts,
  creation: CreationService,
  answers: AnswersService,
  waits: WaitsService,
): AskingService => {
  /** The item that an earlier round of this call made, for clients that carry their answer back in a new call. */
  const resumedItem = async (call: Call): Promise<ItemRow | null> => {
    const id = call.elicit?.resumed?.['item_id'];
    if (typeof id !== 'string' || !isUuid(id)) return null;
    const item = await requireItem(parts.database.read, call.caller, id);
    return item.created_by_id === call.caller.id ? item : null;
  };

  /** Who answered in the client: the person behind the agent, as far as the server can tell. */
  const answererInClient = async (call: Call) => {
    const owner_id = await findOwner(parts.database.read, call.caller.org_id, call.caller.id);
    const owner = owner_id === null ? null : await findPrincipal(parts.database.read, call.caller.org_id, owner_id);
    return owner === null ? actorOf(call.caller) : ({ type: 'user', id: owner.id, name: owner.name } as const);
  };

  const answerFromClient = async (call: Call, id: string, given: GivenAnswer): Promise<void> => {
    const actor = await answererInClient(call);
    await parts.database.transaction({ ...call, idempotency: null }, async (tx) => {
      const item = await lockOpen(tx, call.caller, id);
      await answers.answerIn(tx, call, item, given, { actor, source: 'client' });
    });
  };

  /** Shows the question in the client as well. A refused or late answer leaves the item to the web. */
  const mirror = async (call: Call, item: ItemRow, signal: AbortSignal): Promise<void> => {
    const elicit = call.elicit;
    if (elicit === undefined) return;
    const question = elicitationOf(item);
    if (question === null || !(await parts.settingsOf(item.org_id)).elicitation_mirror) return;
    const answer = await elicit.ask(question, signal);
    if (answer.action !== 'accept' || signal.aborted) return;
    const given = givenOf(item, answer.content);
    if (given === null) return;
    try {
      await answerFromClient(call, item.id, given);
    } catch (error) {
      const expected = error instanceof AppError && error.code !== 'internal';
      if (!expected) parts.onError(error, 'answer from an MCP client');
    }
  };

  const waitBoth = async (call: Call, item: ItemRow, seconds: number): Promise<Outcome> => {
    const closed = new AbortController();
    void mirror(call, item, closed.signal).catch((error: unknown) => parts.onError(error, 'elicitation'));
    try {
      return await waits.wait(call, item.id, seconds, null);
    } finally {
      closed.abort();
    }
  };

  return {
    notify: async (call, input) => {
      const { item } = await creation.create(call, { ...input, escalation: [], reminders_s: [] });
      return { id: item.id, status: 'created', occurrences: item.occurrences };
    },

    ask: async (call, { wait_s, ...input }) => {
      requireQuestion(input);
      // Refused before anything is made, or a question would stay behind that nobody waits for.
      if (wait_s > 0) waits.requireRoom(call);
      const item = (await resumedItem(call)) ?? (await creation.create(call, input)).item;
      const outcome =
        wait_s > 0 && item.status === 'open' && item.deleted_at === null
          ? await waitBoth(call, item, wait_s)
          : item.deleted_at === null
            ? await waits.takeOutcome(call, item.id)
            : outcomeOf(item, call.caller);
      return { id: item.id, status: 'created', outcome, occurrences: item.occurrences };
    },
  };
};

const elicitationOf = (item: ItemRow): Elicitation | null => {
  // What several people decide, or another person must, is not decided by who sits at the client.
  if (item.require !== null) return null;
  const message = item.message === '' ? item.title : `${item.title}\n\n${item.message}`;
  const state = { item_id: item.id };
  if (item.kind === 'approval') return approvalElicitation(item.approval as unknown as ApprovalRequest, message, state);
  const shown = toElicitation(item.form as Form);
  return shown.ok
    ? { message, requested_schema: shown.requestedSchema as unknown as Record<string, unknown>, state }
    : null;
};

const approvalElicitation = (
  approval: ApprovalRequest,
  message: string,
  state: Record<string, unknown>,
): Elicitation | null => {
  const ways = (['accept', 'reject'] as const).filter((kind) => approval.allow?.[kind] !== false);
  if (ways.length === 0) return null;
  const call = `${approval.tool} ${JSON.stringify(approval.arguments)}`;
  return {
    message: `${message}\n\n${call.slice(0, 4000)}`,
    requested_schema: {
      type: 'object',
      properties: {
        decision: { type: 'string', title: 'Decision', enum: ways },
        text: { type: 'string', title: 'Reason (when you reject)', maxLength: 10_000 },
      },
      required: ['decision'],
    },
    state,
  };
};

const givenOf = (item: ItemRow, content: Record<string, unknown>): GivenAnswer | null => {
  if (item.kind === 'approval') {
    if (content['decision'] === 'accept') return { reply: { kind: 'accept' } };
    if (content['decision'] !== 'reject') return null;
    const text = content['text'];
    return { reply: { kind: 'reject', ...(typeof text === 'string' && text !== '' ? { text } : {}) } };
  }
  const checked = fromElicitation(item.form as Form, content, { matchPattern: formPatterns.matcher() });
  return checked.ok ? { values: checked.values } : null;
};
