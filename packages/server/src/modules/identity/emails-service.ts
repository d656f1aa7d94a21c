import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { type EmailRow, emailsStore } from './emails-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { emailView } from './identity-views.ts';
import type { LinksService } from './links-service.ts';
import { linksStore } from './links-store.ts';
import { membersStore } from './members-store.ts';
import { requireFresh } from './step-up.ts';

const mostAddresses = 10;

/** The addresses of a person: the primary one is shown, confirmed ones also lead to the account. */
export const createEmailsService = (context: IdentityContext, links: LinksService) => {
  const { clock, database, transact } = context;
  const db = database.read;

  const announce = (tx: Transaction, userId: string, change: string, address: EmailRow): void => {
    tx.emit({ kind: identityEvents.emailsChanged, id: userId, body: { user_id: userId, change } });
    tx.audit({ action: `emails.${change}`, target_type: 'email', target_id: address.id });
  };

  const own = async (reader: typeof db, userId: string, id: string): Promise<EmailRow> => {
    const email = (await emailsStore.ofUser(reader, userId)).find((row) => row.id === id.toLowerCase());
    if (email === undefined) throw notFound('The address');
    return email;
  };

  return {
    list: async (call: Call) => ({
      items: (await emailsStore.ofUser(db, call.caller.id)).map(emailView),
      next_cursor: null,
    }),

    add: async (call: Call, input: { address: string }) => {
      await requireFresh(context, call);
      await links.requireRoom(call, 'verify', input.address);
      const { id: userId } = call.caller;
      return transact(call, 'emails.add', async (tx) => {
        if ((await emailsStore.ofUser(tx.db, userId)).length >= mostAddresses) {
          throw new AppError('in_use', `An account has at most ${mostAddresses} addresses.`);
        }
        const id = newId();
        await emailsStore.insert(tx.db, { id, user_id: userId, address: input.address, at: clock.now() });
        const email = await own(tx.db, userId, id);
        await links.sendIn(tx, call, { purpose: 'verify', user_id: userId, email: input.address });
        announce(tx, userId, 'added', email);
        return emailView(email);
      });
    },

    sendLink: async (call: Call, input: { id: string }): Promise<null> => {
      const email = await own(db, call.caller.id, input.id);
      if (email.verified_at !== null) return null;
      await links.requireRoom(call, 'verify', email.address);
      return transact(call, 'emails.send_link', async (tx) => {
        await links.sendIn(tx, call, { purpose: 'verify', user_id: call.caller.id, email: email.address });
        return null;
      });
    },

    makePrimary: async (call: Call, input: { id: string }) => {
      await requireFresh(context, call);
      const { id: userId } = call.caller;
      return transact(call, 'emails.make_primary', async (tx) => {
        const email = await own(tx.db, userId, input.id);
        if (email.verified_at === null) throw new AppError('identity_email_unverified');
        await emailsStore.makePrimary(tx.db, userId, email.id);
        // Lists of members show the primary address.
        for (const org_id of await membersStore.orgIds(tx.db, userId)) {
          const body = { user_id: userId, change: 'address_changed' };
          tx.emit({ kind: identityEvents.memberUpdated, id: userId, org_id, body });
        }
        announce(tx, userId, 'made_primary', email);
        return emailView({ ...email, is_primary: true });
      });
    },

    remove: async (call: Call, input: { id: string }): Promise<null> => {
      await requireFresh(context, call);
      const { id: userId } = call.caller;
      return transact(call, 'emails.remove', async (tx) => {
        const email = await own(tx.db, userId, input.id);
        if (email.is_primary) throw new AppError('in_use', 'Make another address the primary one first.');
        await emailsStore.delete(tx.db, userId, email.id);
        await linksStore.cancel(tx.db, userId, 'verify', email.address, clock.now());
        announce(tx, userId, 'removed', email);
        return null;
      });
    },
  };
};

export type EmailsService = ReturnType<typeof createEmailsService>;
