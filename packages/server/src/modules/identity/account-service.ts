import { type Preferences, preferences as preferencesSchema } from '@atrium/protocol';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import { giveGuessBack, guessedAccount, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireSession } from './identity-policy.ts';
import { orgMembershipView, orgView, userView } from './identity-views.ts';
import { linksStore } from './links-store.ts';
import { membersStore } from './members-store.ts';
import { orgsStore } from './orgs-store.ts';
import { rolesStore } from './roles-store.ts';
import type { SessionsService } from './sessions-service.ts';
import { endSessions } from './shut-out.ts';
import { requireFresh } from './step-up.ts';
import { usersStore } from './users-store.ts';

/** Stored members over defaults. What an older release stored and this one does not know falls back to the default. */
export const readPreferences = (stored: Record<string, unknown>): Preferences => {
  const entries = Object.entries(preferencesSchema.shape).map(([key, schema]) => {
    const read = schema.safeParse(stored[key]);
    return [key, read.success ? read.data : schema.parse(undefined)];
  });
  return Object.fromEntries(entries) as Preferences;
};

const requireTimeZone = (zone: string | null | undefined): void => {
  if (zone == null) return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw invalid('time_zone', 'is not the name of a time zone, such as Europe/Berlin');
  }
};

/** What a principal sees and changes of itself. */
export const createAccountService = (context: IdentityContext, sessions: SessionsService) => {
  const { clock, database, limiter, options, passwords, transact } = context;
  const db = database.read;

  const roleOf = async (caller: Caller) => {
    const role = caller.role_id === null ? null : await rolesStore.find(db, caller.org_id, caller.role_id);
    return role === null ? null : { id: role.id, name: role.name, system: role.system };
  };

  return {
    get: async (call: Call) => {
      const { caller } = call;
      const isPerson = caller.kind === 'user';
      const [user, org, memberships, role, stored] = await Promise.all([
        isPerson ? usersStore.find(db, caller.id) : null,
        orgsStore.find(db, caller.org_id),
        isPerson ? orgsStore.listOfUser(db, caller.id) : [],
        roleOf(caller),
        isPerson ? usersStore.preferences(db, caller.id) : {},
      ]);
      if (org === null) throw new AppError('unauthorized');
      const own = role === null ? [] : [{ ...orgView(org), role }];
      return {
        principal: actorOf(caller),
        user: user === null ? null : userView(user),
        org: orgView(org),
        orgs: isPerson ? memberships.map(orgMembershipView) : own,
        role,
        permissions: [...caller.permissions],
        scopes: [...caller.scopes],
        is_operator: caller.is_operator,
        preferences: readPreferences(stored),
      };
    },

    update: (call: Call, input: { name?: string | undefined }) =>
      transact(call, 'me.update', async (tx) => {
        const { id } = call.caller;
        if (input.name !== undefined) {
          await usersStore.rename(tx.db, id, input.name);
          for (const org_id of await membersStore.orgIds(tx.db, id)) {
            tx.emit({ kind: identityEvents.memberUpdated, id, org_id, body: { user_id: id, change: 'renamed' } });
          }
          tx.audit({ action: 'me.update', target_type: 'user', target_id: id, details: { name: input.name } });
        }
        return userView((await usersStore.find(tx.db, id))!);
      }),

    changePassword: async (
      call: Call,
      input: { current_password?: string | undefined; new_password: string },
    ): Promise<null> => {
      requireSession(call.caller);
      const { id } = call.caller;
      const user = await usersStore.find(db, id);
      if (user === null) throw new AppError('unauthorized');
      const phcBefore = await usersStore.password(db, id);
      if (phcBefore === null) await requireFresh(context, call);
      else {
        const account = guessedAccount(user.email);
        await requireGuess(limiter, 'login_account', account, options.login_account);
        if (!(await passwords.verify(phcBefore, input.current_password ?? ''))) {
          database.auditDenied(call, { action: 'me.change_password_failed', target_type: 'user', target_id: id });
          throw new AppError('invalid_credentials', 'The current password is wrong.');
        }
        await giveGuessBack(limiter, 'login_account', account, options.login_account);
      }
      passwords.check('new_password', input.new_password, user.email);
      const phc = await passwords.hash(input.new_password);
      return transact(call, 'me.change_password', async (tx) => {
        await usersStore.setPassword(tx.db, id, phc, clock.now());
        const ended = await endSessions(tx, { sessions, clock }, id, call.caller.credential.id);
        await linksStore.cancel(tx.db, id, 'reset', null, clock.now());
        await linksStore.cancel(tx.db, id, 'magic', null, clock.now());
        tx.emit({ kind: identityEvents.factorChanged, id, body: { user_id: id, change: 'password_changed' } });
        tx.audit({
          action: 'me.change_password',
          target_type: 'user',
          target_id: id,
          details: { sessions_ended: ended },
        });
        return null;
      });
    },

    preferences: async (call: Call): Promise<Preferences> =>
      readPreferences(await usersStore.preferences(db, call.caller.id)),

    updatePreferences: (
      call: Call,
      input: Record<string, unknown> & { time_zone?: string | null | undefined },
    ): Promise<Preferences> =>
      transact(call, 'preferences.update', async (tx) => {
        requireTimeZone(input.time_zone);
        const { id } = call.caller;
        const stored = await usersStore.mergePreferences(tx.db, id, input);
        tx.emit({ kind: identityEvents.preferencesUpdated, id, body: { user_id: id } });
        tx.audit({
          action: 'preferences.update',
          target_type: 'user',
          target_id: id,
          details: { keys: Object.keys(input) },
        });
        return readPreferences(stored);
      }),
  };
};

export type AccountService = ReturnType<typeof createAccountService>;
