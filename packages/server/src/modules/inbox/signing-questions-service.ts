import { createHash } from 'node:crypto';
import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { HookSigning, HookSigningEnd } from '../identity/index.ts';
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

/** By which the inbox knows that approving is not enough. */
const personalTool = 'sign_with_your_key';

const ends: Record<HookSigningEnd['why'], string> = {
  signed: 'A signature was handed in.',
  declined: 'It was declined.',
  cancelled: 'Whoever asked took it back.',
};

const asksPerson = ({ id, asker, message }: HookSigning) => ({
  title: `${asker.name} asks for your signature`,
  message: `**${plain(asker.name)}** asks you to sign this message with your own key. Read it whole and sign it in the browser that holds the key, or reject it here.`,
  summary: `Will you sign this for **${plain(asker.name)}**?`,
  tool: personalTool,
  arguments: { request_id: id, ...argumentsOf(message) },
});

const asksOwner = ({ asker, message }: HookSigning) => ({
  title: `${asker.name} wants to sign a message`,
  message: `**${plain(asker.name)}**, your agent, prepared this message to be signed with its key. It can sign without you; if you reject it, this request takes no signature any more.`,
  summary: `May **${plain(asker.name)}** sign this?`,
  tool: 'sign_message',
  arguments: argumentsOf(message),
});

/** Signing requests as items for the person who is to sign, or who stands behind the agent that is. */
export const createSigningQuestionsService = (questions: QuestionsService) => ({
  requested: async (tx: Transaction, request: HookSigning, call: Call): Promise<void> => {
    const { id, org_id, person_id, expires_at, signer } = request;
    // Who may not decide items finds it under Security.
    if (!(await questions.canDecide(org_id, person_id))) return;
    const question = signer === 'person' ? asksPerson(request) : asksOwner(request);
    await questions.ask(
      tx,
      call,
      { ...{ org_id, person_id, expires_at, level: 'info' }, ...question },
      { kind: 'signing_request', id },
    );
  },

  settling: (tx: Transaction, { id, org_id, why }: HookSigningEnd, call: Call): Promise<void> =>
    questions.withdraw(tx, call, org_id, { kind: 'signing_request', id }, ends[why]),
});
