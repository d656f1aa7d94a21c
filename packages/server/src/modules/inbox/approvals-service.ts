import type { ApprovalAsker, ApprovalQuestion } from '../oauth/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

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

const titleFor = ({ kind, client, transaction }: ApprovalQuestion): string =>
  kind === 'ciba' ? `${client.name} wants to sign you in` : `${client.name}: ${String(transaction?.['title'])}`;

const reasons = {
  client: 'The application took its request back.',
  operator: 'Somebody who runs this server ended the request.',
};

/** Requests of the authorization server as items for the one person they are put to. */
export const createApprovalsService = (questions: Pick<QuestionsService, 'ask' | 'withdraw'>): ApprovalAsker => ({
  ask: (tx, call, question) => {
    const { org_id, person_id, expires_at, transaction, client } = question;
    const { type: _type, ...rest } = transaction ?? {};
    return questions.ask(
      tx,
      call,
      {
        ...{ org_id, person_id, expires_at, title: titleFor(question), message: messageOf(question), level: 'warning' },
        summary: `Do you approve this for **${plain(client.name)}**?`,
        tool: question.kind === 'ciba' ? 'sign_in' : 'transaction',
        arguments: transaction === null ? { client: client.name } : rest,
      },
      { kind: 'oauth_approval', id: question.id },
    );
  },

  withdraw: (tx, call, { id, org_id, by }) =>
    questions.withdraw(tx, call, org_id, { kind: 'oauth_approval', id }, reasons[by]),
});
