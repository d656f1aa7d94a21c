import type { Rate } from '../../platform/config/value-types.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { type Admission, type EntryService, signedInOr } from './entry-service.ts';
import { failedSignIn } from './failed-sign-in.ts';
import { giveGuessBack, guessedAccount, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { requireSession } from './identity-policy.ts';
import type { InvitationsService } from './invitations-service.ts';
import type { LinksService } from './links-service.ts';
import { announceCreated, personalOrgName, personCaller } from './new-person.ts';
import type { OrgsService } from './orgs-service.ts';
import { type OrgRow, orgsStore } from './orgs-store.ts';
import type { SessionsService } from './sessions-service.ts';
import type { SetupService } from './setup-service.ts';
import { usersStore } from './users-store.ts';

const inviteSessionMs = 7 * 24 * 60 * 60 * 1000;
/** Each registration costs a hashing; a team behind one address must still be able to join. */
const registrations: Rate = { max: 30, windowMs: 60 * 60 * 1000 };

interface Services {
  sessions: SessionsService;
  orgs: OrgsService;
  setup: SetupService;
  invitations: InvitationsService;
  entry: EntryService;
  links: LinksService;
}

/** Ways in: password, registration, invitation, another organisation. */
export const createSignInService = (context: IdentityContext, services: Services) => {
  const { sessions, orgs, setup, invitations, entry, links } = services;
  const { clock, database, limiter, options, passwords, transact } = context;
  const inMs = (ms: number): Date => new Date(clock.now().getTime() + ms);

  const refused = (call: Call, user: { user_id: string } | null, org: OrgRow | null): AppError => {
    // A line about a known account goes where its organisation sees it; the address typed in is never kept.
    const entry = { action: 'auth.login_failed', target_type: 'user', target_id: user?.user_id ?? null };
    const who = { user_id: user?.user_id ?? null, org_id: org?.id ?? null };
    database.auditDenied(call, org === null ? entry : { ...entry, org_id: org.id }, failedSignIn(who, 'password'));
    return new AppError('invalid_credentials');
  };

  const withPassword = async (call: Call, input: { email: string; password: string }): Promise<Admission> => {
    const email = input.email.trim();
    const [from, account] = [addressKey(call.ip), guessedAccount(email)];
    await requireGuess(limiter, 'login', from, options.login);
    await requireGuess(limiter, 'login_account', account, options.login_account);
    const user = await usersStore.findForSignIn(database.read, email);
    const matches = await passwords.verify(user?.phc ?? null, input.password);
    // Asked for an unknown account too, so that it answers no sooner.
    const person = await entry.entrant(call, user?.user_id ?? newId());
    if (user === null || person === null || !matches) throw refused(call, user, person?.org ?? null);
    await giveGuessBack(limiter, 'login', from, options.login);
    await giveGuessBack(limiter, 'login_account', account, options.login_account);
    const renewed = passwords.outdated(user.phc!) ? await passwords.hash(input.password) : null;
    return transact(person.call, 'auth.login', async (tx) => {
      if (renewed !== null) await usersStore.renewHash(tx.db, user.user_id, user.phc!, renewed);
      return entry.admitIn(tx, person, { user_id: user.user_id, methods: ['pwd'] });
    });
  };

  return {
    withPassword,

    login: async (call: Call, input: { email: string; password: string }) =>
      signedInOr(await withPassword(call, input)),

    register: async (
      call: Call,
      input: { email: string; password: string; name: string; invite_code?: string | undefined },
    ) => {
      if (!(await setup.isDone())) throw new AppError('permission_denied', 'Set the server up first.');
      if (input.invite_code === undefined && options.registration !== 'open') {
        throw new AppError('permission_denied', 'An account needs an invitation here.', {
          extensions: { error: 'permission denied', required: 'invite_code' },
        });
      }
      await requireGuess(limiter, 'register', addressKey(call.ip), registrations);
      const invitation =
        input.invite_code === undefined ? null : await invitations.findLive(input.invite_code, input.email);
      passwords.check('password', input.password, input.email);
      const phc = await passwords.hash(input.password);
      const at = clock.now();
      const { name, email } = input;
      const [userId, personalId] = [newId(), newId()];
      const home = { id: userId, name, org_id: personalId, org_name: personalOrgName(name) };
      const joined = invitation === null ? home : { ...home, org_id: invitation.org_id, org_name: invitation.org_name };
      const asUser = callAs(call, personCaller(joined));
      return transact(asUser, 'auth.register', async (tx) => {
        // Whoever holds a code that is locked to this very address got it there, or from somebody who vouches for it.
        const verified = invitation !== null && invitation.email !== null;
        const created_by = invitation === null ? 'signup' : 'invite';
        const account = { id: userId, name, email, email_id: newId(), verified, created_by, phc, at };
        await usersStore.insert(tx.db, { ...account, is_operator: false });
        announceCreated(tx, { user_id: userId, org_id: personalId, created_by });
        if (!verified) await links.sendIn(tx, asUser, { purpose: 'verify', user_id: userId, email });
        const personal = await orgs.createIn(tx, asUser, {
          id: personalId,
          name: home.org_name,
          is_personal: true,
          owner_id: userId,
        });
        tx.audit({ action: 'auth.register', target_type: 'user', target_id: userId, org_id: personal.id });
        const org = invitation === null ? personal : await invitations.acceptIn(tx, asUser, input.invite_code!);
        const ttl = invitation === null ? options.session_ttl_ms : Math.min(inviteSessionMs, options.session_ttl_ms);
        return sessions.issue(tx, asUser, { user_id: userId, org, expires_at: inMs(ttl), amr: ['pwd'], auth_time: at });
      });
    },

    acceptInvitation: (call: Call, input: { invite_code: string }) =>
      transact(call, 'auth.accept_invitation', async (tx) => {
        requireSession(call.caller);
        const org = await invitations.acceptIn(tx, call, input.invite_code);
        return sessions.reissue(tx, call, org, inMs(inviteSessionMs));
      }),

    switchOrg: (call: Call, input: { org_id: string }) =>
      transact(call, 'auth.switch_org', async (tx) => {
        requireSession(call.caller);
        const org = (await orgsStore.listOfUser(tx.db, call.caller.id)).find(
          ({ id }) => id === input.org_id.toLowerCase(),
        );
        if (org === undefined) throw notFound('The organisation');
        tx.audit({ action: 'auth.switch_org', target_type: 'org', target_id: org.id });
        return sessions.reissue(tx, call, org);
      }),
  };
};

export type SignInService = ReturnType<typeof createSignInService>;
