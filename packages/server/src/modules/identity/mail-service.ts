import { composeLetter, type Letter } from '../../platform/mail/letter.ts';
import type { IdentityContext } from './identity-context.ts';
import { invitationPlace } from './invitations-service.ts';
import { invitationsStore } from './invitations-store.ts';
import { linkPlace } from './links-service.ts';
import { type LinkPurpose, linksStore } from './links-store.ts';

type Words = Pick<Letter, 'subject' | 'lead' | 'foot'> & { label: string };

const words = (purpose: LinkPurpose, name: string, email: string): Words => {
  switch (purpose) {
    case 'magic':
      return {
        subject: 'Your sign-in link',
        lead: [`Hello ${name},`, 'open this link to sign in to Atrium. It works once, within 15 minutes.'],
        label: 'Sign in',
        foot: ['Did you not ask for it? Then leave it: nobody gets in without this letter.'],
      };
    case 'verify':
      return {
        subject: 'Confirm your e-mail address',
        lead: [`Hello ${name},`, `confirm that ${email} is yours. The link works once, within 15 minutes.`],
        label: 'Confirm the address',
        foot: ['Do you not know this account? Then leave the link alone; the address stays unconfirmed.'],
      };
    case 'reset':
      return {
        subject: 'Set a new password',
        lead: [
          `Hello ${name},`,
          'open this link to set a new password. It works once, within 15 minutes, and ends all your sessions.',
        ],
        label: 'Set a new password',
        foot: ['Did you not ask for it? Then leave it: your password stays as it is.'],
      };
  }
};

const path = (purpose: LinkPurpose, token: string): string =>
  // A fragment never reaches a server or its logs; a page with a script takes it from there.
  purpose === 'reset' ? `/reset-password#token=${token}` : `/auth/verify?token=${token}`;

/** Writes and sends letters. Runs as a durable job that knows ids alone; what is spent or sent already is left. */
export const createMailService = ({ clock, database, mail, options, secrets }: IdentityContext) => {
  const db = database.read;

  const sendLink = async (id: string): Promise<void> => {
    const link = await linksStore.toSend(db, id, clock.now());
    if (link === null) return;
    const { purpose, name, email } = link;
    const origin = options.public_url();
    const { label, ...rest } = words(purpose, name, email);
    const url = `${origin}${path(purpose, secrets.decrypt(link.token, linkPlace(id)))}`;
    await mail.send(composeLetter({ to: email, ...rest, act: { label, url }, origin }));
    await linksStore.markSent(db, id, clock.now());
  };

  const sendInvitation = async (id: string): Promise<void> => {
    const row = await invitationsStore.toMail(db, id, clock.now());
    if (row?.email == null) return;
    const origin = options.public_url();
    const url = `${origin}/invite/${secrets.decrypt(row.code, invitationPlace(id))}`;
    const team = row.team_name === null ? '' : `, in the team ${row.team_name}`;
    const until = row.expires_at.toISOString().slice(0, 16).replace('T', ' ');
    await mail.send(
      composeLetter({
        to: row.email,
        subject: `${row.created_by_name} invites you to ${row.org_name}`,
        lead: [`${row.created_by_name} invites you to join ${row.org_name} on Atrium as ${row.role_name}${team}.`],
        act: { label: 'Look at the invitation', url },
        foot: [
          `It is for ${row.email} alone and good until ${until} UTC.`,
          'Do you not know the sender? Then leave it; nothing happens.',
        ],
        origin,
      }),
    );
    await invitationsStore.markMailed(db, id, clock.now());
  };

  return {
    send: (kind: string, id: string): Promise<void> => (kind === 'invitation' ? sendInvitation(id) : sendLink(id)),
  };
};

export type MailService = ReturnType<typeof createMailService>;
