import { AppError } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { hashToken, newToken, timingSafeEqualText } from '../../platform/secrets/tokens.ts';
import { giveGuessBack, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { announceCreated, personalOrgName, personCaller } from './new-person.ts';
import type { OrgsService } from './orgs-service.ts';
import type { SessionsService } from './sessions-service.ts';
import { usersStore } from './users-store.ts';

export interface SetupInput {
  token: string;
  email: string;
  password: string;
  name: string;
  org_name?: string | undefined;
}

/** The first owner, made once with the setup token. */
export const createSetupService = (context: IdentityContext, sessions: SessionsService, orgs: OrgsService) => {
  const { clock, database, limiter, options, passwords, transact } = context;
  let done = false;

  const isDone = async (): Promise<boolean> => {
    done ||= await usersStore.exists(database.read);
    return done;
  };

  const tokenMatches = async (token: string): Promise<boolean> => {
    const hashes = await usersStore.setupTokenHashes(database.read);
    if (options.setup_token !== null) hashes.push(hashToken(options.setup_token));
    // Every hash is compared, so that the time does not tell which one came close.
    return hashes.map((hash) => timingSafeEqualText(hash, hashToken(token))).includes(true);
  };

  return {
    isDone,

    status: async () => ({ done: await isDone(), registration: options.registration, version: options.version }),

    /**
     * At start: the token to print, or null when the first owner exists or the token came from the configuration.
     * Tokens of earlier starts stay good, since their owner may still have the old line before their eyes.
     */
    prepareToken: async (): Promise<string | null> => {
      if (options.setup_token !== null || (await isDone())) return null;
      const token = newToken();
      await usersStore.insertSetupToken(database.read, hashToken(token), clock.now());
      return token;
    },

    complete: async (call: Call, input: SetupInput) => {
      if (await isDone()) throw new AppError('setup_done');
      const from = addressKey(call.ip);
      await requireGuess(limiter, 'setup', from, options.login);
      if (!(await tokenMatches(input.token))) {
        database.auditDenied(call, { action: 'setup.failed' });
        throw new AppError('invalid_credentials', 'The setup token is wrong.');
      }
      await giveGuessBack(limiter, 'setup', from, options.login);
      passwords.check('password', input.password, input.email);
      const phc = await passwords.hash(input.password);
      const at = clock.now();
      const [userId, personalId, sharedId] = [newId(), newId(), newId()];
      const activeId = input.org_name === undefined ? personalId : sharedId;
      const activeName = input.org_name ?? personalOrgName(input.name);
      const asOwner = callAs(
        call,
        personCaller({ id: userId, name: input.name, org_id: activeId, org_name: activeName }),
      );
      const answer = await transact(asOwner, 'setup.complete', async (tx) => {
        await usersStore.lockSetup(tx.db);
        if (await usersStore.exists(tx.db)) throw new AppError('setup_done');
        const { name, email } = input;
        await usersStore.insert(tx.db, {
          id: userId,
          name,
          email,
          verified: true,
          is_operator: true,
          created_by: 'setup',
          phc,
          email_id: newId(),
          at,
        });
        announceCreated(tx, { user_id: userId, org_id: personalId, created_by: 'setup' });
        await usersStore.deleteSetupTokens(tx.db);
        const personal = await orgs.createIn(tx, asOwner, {
          id: personalId,
          name: personalOrgName(name),
          is_personal: true,
          owner_id: userId,
        });
        const org =
          input.org_name === undefined
            ? personal
            : await orgs.createIn(tx, asOwner, {
                id: sharedId,
                name: input.org_name,
                is_personal: false,
                owner_id: userId,
              });
        tx.audit({ action: 'setup.complete', target_type: 'user', target_id: userId });
        const expires_at = new Date(at.getTime() + options.session_ttl_ms);
        return sessions.issue(tx, asOwner, { user_id: userId, org, expires_at, amr: ['pwd'], auth_time: at });
      });
      done = true;
      return answer;
    },
  };
};

export type SetupService = ReturnType<typeof createSetupService>;
