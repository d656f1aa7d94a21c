import { createHash } from 'node:crypto';
import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { HookSigning } from '../identity/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

/** A message beyond this is shown in part; its hash says what the rest is. */
const shown = 20_000;

const argumentsOf = (message: string): Record<string, unknown> =>
  message.length <= shown
    ? { message }
    : {
        // Not in the middle of a character of two units.
        message_begins: message.slice(0, shown).replace(/[\ud800-\udbff]$/, ''),
        characters: message.length,
        sha256: createHash('sha256').update(message).digest('hex'),
      };

/** Signing requests of agents as items for the person behind each. */
export const createSigningQuestionsService = (questions: QuestionsService) => ({
  requested: async (tx: Transaction, request: HookSigning, call: Call): Promise<void> => {
    const { id, org_id, agent, person_id, message, expires_at } = request;
    if (!(await questions.canDecide(org_id, person_id))) return;
    await questions.ask(
      tx,
      call,
      {
        ...{ org_id, person_id, expires_at, level: 'info' },
        title: `${agent.name} wants to sign a message`,
        message: `**${plain(agent.name)}**, your agent, prepared this message to be signed with its key. It can sign without you; if you reject it, this request takes no signature any more.`,
        summary: `May **${plain(agent.name)}** sign this?`,
        tool: 'sign_message',
        arguments: argumentsOf(message),
      },
      { kind: 'signing_request', id },
    );
  },

  settling: (tx: Transaction, { id, org_id }: { id: string; org_id: string }, call: Call): Promise<void> =>
    questions.withdraw(tx, call, org_id, { kind: 'signing_request', id }, 'The agent handed a signature in.'),
});
