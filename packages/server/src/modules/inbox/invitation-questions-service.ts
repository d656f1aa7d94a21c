import type { InvitationAsker } from '../diaries/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

const may = {
  reader: 'You would read it.',
  writer: 'You would read it, and write, change and delete its entries.',
} as const;

const reasons = {
  accepted: 'The invitation was accepted.',
  declined: 'The invitation was declined.',
  revoked: 'The invitation was taken back.',
  changed: 'The invitation was changed; a new item asks for it.',
  gone: 'The diary is no longer on offer.',
} as const;

/** Invitations to diaries as items for who is invited. What became of an invitation is said by diaries alone. */
export const createInvitationQuestionsService = (questions: QuestionsService): InvitationAsker => ({
  invited: async (tx, call, invitation) => {
    const { id, org_id, person_id, diary_name, by, role, expires_at } = invitation;
    if (!(await questions.canDecide(org_id, person_id))) return;
    await questions.ask(
      tx,
      call,
      {
        ...{ org_id, person_id, expires_at, level: 'info' },
        title: `${by.name} offers you the diary "${diary_name}"`,
        message: `**${plain(by.name)}** invites you to the diary **${plain(diary_name)}**. ${may[role]} What stands in it is written by others.`,
        summary: `Do you accept the diary **${plain(diary_name)}**?`,
        tool: 'diary_invitation',
        arguments: { diary: diary_name, role },
      },
      { kind: 'diary_invitation', id },
    );
  },

  settling: (tx, call, { id, org_id, why }) =>
    questions.withdraw(tx, call, org_id, { kind: 'diary_invitation', id }, reasons[why]),
});
