import type { Rate } from '../../platform/config/value-types.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { emailsStore } from './emails-store.ts';
import { type EntryService, signedInOr } from './entry-service.ts';
import { guessedAccount, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { type LinkPurpose, linksStore } from './links-store.ts';
import type { SessionsService } from './sessions-service.ts';
import { endEveryWayIn, endSessions } from './shut-out.ts';
import { usersStore } from './users-store.ts';

const linkMs = 15 * 60 * 1000;
/** One address may not make this server write to many people. */
const fromAddress: Rate = { max: 30, windowMs: 60 * 60 * 1000 };

/** Where the token of a link lies encrypted until its letter is sent. */
export const linkPlace = (id: string): string => `identity_magic_links.token:${id}`;

const dead = (): AppError =>
  new AppError('identity_link_dead', 'This link was used, has expired, or a newer one was sent.');

/** Links that are mailed: to sign in, to confirm an address, to set a new password. */
export const createLinksService = (
  context: IdentityContext,
  { entry, sessions }: { entry: EntryService; sessions: SessionsService },
) => {
  const { clock, database, limiter, options, passwords, secrets, transact } = context;
  const db = database.read;

  /** Writes the link and enqueues its letter. Nobody gets none: the row and the job are there all the same. */
  const sendIn = async (
    tx: Transaction,
    call: Call,
    to: { purpose: LinkPurpose; user_id: string | null; email: string | null },
  ): Promise<void> => {
    const [id, token, at] = [newId(), newToken(), clock.now()];
    await linksStore.cancel(tx.db, to.user_id, to.purpose, to.purpose === 'verify' ? to.email : null, at);
    await linksStore.insert(tx.db, {
      ...{ id, hash: hashToken(token), ...to, token: secrets.encrypt(token, linkPlace(id)), at },
      requested_ip: call.ip,
      expires_at: new Date(at.getTime() + linkMs),
    });
    tx.enqueue({ name: 'send-mail', id: `identity-mail-${id}`, args: { kind: 'link', id } });
  };

  const requireRoom = async (call: Call, purpose: LinkPurpose, email: string): Promise<void> => {
    await requireGuess(limiter, 'mail_from', addressKey(call.ip), fromAddress);
    await requireGuess(limiter, 'mail', `${purpose}:${guessedAccount(email)}`, options.magic_link);
  };

  const request = async (call: Call, purpose: 'magic' | 'reset', email: string): Promise<null> => {
    await requireRoom(call, purpose, email);
    await transact(call, `auth.${purpose}`, async (tx) => {
      const found = await emailsStore.findReachable(tx.db, email);
      await sendIn(tx, call, { purpose, user_id: found?.user_id ?? null, email: found?.address ?? null });
    });
    return null;
  };

  /**
   * The first proof of an address throws out whoever held the account without one: they may have made it for
   * somebody else's address, with a password of theirs, and waited.
   */
  const firstProof = async (tx: Transaction, userId: string): Promise<void> => {
    await endEveryWayIn(tx, { sessions, clock, hooks: context.hooks }, userId);
    tx.audit({ action: 'auth.first_proof', target_type: 'user', target_id: userId });
  };

  const found = async (call: Call, token: string) => {
    const link = await linksStore.findLive(db, hashToken(token), clock.now());
    const person = link === null ? null : await entry.entrant(call, link.user_id);
    return link === null || person === null ? null : { link, person };
  };

  /** Spends a link that signs in or confirms. */
  const verify = async (call: Call, input: { token: string }) => {
    const known = await found(call, input.token);
    if (known === null || known.link.purpose === 'reset') throw dead();
    const { person } = known;
    return transact(person.call, 'auth.verify', async (tx) => {
      const at = clock.now();
      const link = await linksStore.take(tx.db, hashToken(input.token), at);
      if (link === null) throw dead();
      const { user_id, email } = link;
      const first = await emailsStore.verify(tx.db, user_id, email, at);
      if (first) {
        tx.emit({ kind: identityEvents.emailsChanged, id: user_id, body: { user_id, change: 'verified' } });
        tx.audit({ action: 'emails.verify', target_type: 'user', target_id: user_id });
      }
      if (link.purpose === 'verify') return { purpose: 'verify' as const, email, admission: null };
      if (first) await firstProof(tx, user_id);
      const admission = await entry.admitIn(tx, person, { user_id, methods: ['email'] });
      return { purpose: 'magic' as const, email, admission };
    });
  };

  return {
    sendIn,
    requireRoom,
    verify,

    magicLink: (call: Call, input: { email: string }) => request(call, 'magic', input.email),
    requestReset: (call: Call, input: { email: string }) => request(call, 'reset', input.email),

    /** What a link would do, without doing it: a mail scanner that opens it spends nothing. */
    peek: async (call: Call, token: string) => {
      const known = await found(call, token);
      if (known === null) return null;
      const { purpose, email } = known.link;
      return { purpose, email, name: known.person.call.caller.name };
    },

    verifyToSession: async (call: Call, input: { token: string }) => {
      const { purpose, email, admission } = await verify(call, input);
      return { purpose, email, session: admission === null ? null : signedInOr(admission) };
    },

    resetPassword: async (call: Call, input: { token: string; new_password: string }): Promise<null> => {
      const known = await found(call, input.token);
      if (known === null || known.link.purpose !== 'reset') throw dead();
      passwords.check('new_password', input.new_password, known.link.email);
      const phc = await passwords.hash(input.new_password);
      return transact(known.person.call, 'auth.reset_password', async (tx) => {
        const at = clock.now();
        const link = await linksStore.take(tx.db, hashToken(input.token), at);
        if (link === null) throw dead();
        const { user_id, email } = link;
        if (await emailsStore.verify(tx.db, user_id, email, at)) await firstProof(tx, user_id);
        await usersStore.setPassword(tx.db, user_id, phc, at);
        await endSessions(tx, { sessions, clock }, user_id);
        await linksStore.cancelAll(tx.db, user_id, at);
        tx.emit({ kind: identityEvents.factorChanged, id: user_id, body: { user_id, change: 'password_reset' } });
        tx.audit({ action: 'auth.reset_password', target_type: 'user', target_id: user_id });
        return null;
      });
    },
  };
};

export type LinksService = ReturnType<typeof createLinksService>;
