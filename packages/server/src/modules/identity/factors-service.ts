import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { type EntryService, type ProofMethod, proofOf, rememberedCookie, signedInOr } from './entry-service.ts';
import { factorsStore } from './factors-store.ts';
import { failedSignIn } from './failed-sign-in.ts';
import { giveGuessBack, guessedAccount, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireSession } from './identity-policy.ts';
import { orgsStore } from './orgs-store.ts';
import type { PasskeysService } from './passkeys-service.ts';
import type { SessionsService } from './sessions-service.ts';
import { type SessionProof, sessionsStore } from './sessions-store.ts';
import { requireFresh, stepUpMethods } from './step-up.ts';
import { isRecoveryCode, matchingStep, newRecoveryCode, newTotpSecret, plainCode, totpUrl } from './totp.ts';
import { usersStore } from './users-store.ts';

const recoveryCodes = 10;
const challengeTries = 5;
const rememberedMs = 30 * 24 * 60 * 60 * 1000;

export interface CeremonyAnswer {
  ceremony_id: string;
  credential: Record<string, unknown>;
}

export const totpPlace = (userId: string): string => `identity_totp:${userId}`;

/** A code stands beside the first factor that the session began with; a password or passkey stands alone. */
const firstOf = (known: SessionProof | null, method: ProofMethod): ProofMethod[] =>
  method === 'otp' || method === 'rcv'
    ? (['pwd', 'email', 'fed', 'hwk'] as const).filter((first) => known?.amr.includes(first))
    : [];

interface Services {
  entry: EntryService;
  sessions: SessionsService;
  passkeys: PasskeysService;
}

/** Second factors: an authenticator with its recovery codes, the step that asks for one, and proving oneself again. */
export const createFactorsService = (context: IdentityContext, { entry, sessions, passkeys }: Services) => {
  const { clock, database, limiter, options, passwords, secrets, transact } = context;
  const db = database.read;

  const announce = (tx: Transaction, userId: string, change: string): void => {
    tx.emit({ kind: identityEvents.factorChanged, id: userId, body: { user_id: userId, change } });
    tx.audit({ action: `factors.${change}`, target_type: 'user', target_id: userId });
  };

  const giveCodes = async (tx: Transaction, userId: string): Promise<string[]> => {
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    const hashes = codes.map((code) => hashToken(plainCode(code)));
    await factorsStore.replaceCodes(tx.db, userId, hashes, clock.now());
    return codes;
  };

  /** Spends a code of the authenticator or a recovery code. */
  const spend = async (tx: Transaction, userId: string, typed: string): Promise<'otp' | 'rcv' | null> => {
    const code = plainCode(typed);
    if (isRecoveryCode(code)) {
      return (await factorsStore.takeCode(tx.db, userId, hashToken(code), clock.now())) ? 'rcv' : null;
    }
    const totp = await factorsStore.totp(tx.db, userId);
    if (!totp?.confirmed_at) return null;
    const step = matchingStep(secrets.decrypt(totp.secret, totpPlace(userId)), code, clock.now());
    return step !== null && (await factorsStore.takeStep(tx.db, userId, step)) ? 'otp' : null;
  };

  const wrongCode = (call: Call, userId: string, orgId: string | null): AppError => {
    database.auditDenied(
      call,
      {
        ...{ action: 'auth.factor_failed', target_type: 'user', target_id: userId },
        ...(orgId === null ? {} : { org_id: orgId }),
      },
      failedSignIn({ user_id: userId, org_id: orgId }, 'factor'),
    );
    return new AppError('invalid_credentials', 'This code is wrong, or it was used already.');
  };

  const deadChallenge = (): AppError => new AppError('identity_challenge_dead', 'Begin to sign in again.');

  const remember = async (tx: Transaction, call: Call, userId: string): Promise<void> => {
    const token = newToken();
    const at = clock.now();
    const expires_at = new Date(at.getTime() + rememberedMs);
    const user_agent = call.user_agent?.slice(0, 512).toWellFormed() ?? null;
    await factorsStore.insertRemembered(tx.db, { hash: hashToken(token), user_id: userId, user_agent, at, expires_at });
    tx.afterCommit(() => call.cookies?.keep(rememberedCookie, token, expires_at));
  };

  /** Counts a try before the code is looked at, so that many at once do not all pass. */
  const guarded = async <T>(userId: string, act: () => Promise<T | null>): Promise<T | null> => {
    await requireGuess(limiter, 'factor', userId, options.login_account);
    const result = await act();
    if (result !== null) await giveGuessBack(limiter, 'factor', userId, options.login_account);
    return result;
  };

  const stepUpPassword = async (caller: Caller, password: string): Promise<ProofMethod | null> => {
    const user = await usersStore.find(db, caller.id);
    if (user === null) return null;
    const account = guessedAccount(user.email);
    await requireGuess(limiter, 'login_account', account, options.login_account);
    if (!(await passwords.verify(await usersStore.password(db, caller.id), password))) return null;
    await giveGuessBack(limiter, 'login_account', account, options.login_account);
    return 'pwd';
  };

  /** What is shown must be among what the person has to show; otherwise a password would do for everything. */
  const stepUpProof = async (
    call: Call,
    input: { password?: string | undefined; code?: string | undefined; passkey?: CeremonyAnswer | undefined },
  ): Promise<ProofMethod | null> => {
    const { caller } = call;
    const methods = stepUpMethods(await factorsStore.held(db, caller.id));
    const given = [input.password, input.code, input.passkey].filter((value) => value !== undefined);
    if (given.length !== 1) throw invalid('', 'give one of password, code and passkey');
    if (input.passkey !== undefined) {
      return (await passkeys.check(call, input.passkey))?.user_id === caller.id ? 'hwk' : null;
    }
    if (input.code !== undefined) {
      const { code } = input;
      return guarded(caller.id, () => transact(call, 'auth.step_up', (tx) => spend(tx, caller.id, code)));
    }
    if (!methods.includes('password')) throw invalid('password', 'does not do here: show your second factor');
    return stepUpPassword(caller, input.password!);
  };

  return {
    get: async (call: Call) => {
      const { id, credential } = call.caller;
      const now = clock.now();
      const [held, remembered_browsers, proof] = await Promise.all([
        factorsStore.held(db, id),
        factorsStore.remembered(db, id, now),
        credential.kind === 'session' ? sessionsStore.proof(db, credential.id!, now) : null,
      ]);
      const { has_password, totp_since, recovery_codes_left, passkeys: keys } = held;
      return {
        ...{ has_password, totp_since: totp_since?.toISOString() ?? null, recovery_codes_left, passkeys: keys },
        remembered_browsers,
        session: {
          auth_time: proof?.auth_time.toISOString() ?? null,
          acr: proof?.acr ?? null,
          amr: proof?.amr ?? [],
        },
      };
    },

    enrolTotp: async (call: Call) => {
      await requireFresh(context, call);
      const { id } = call.caller;
      return transact(call, 'totp.enrol', async (tx) => {
        const user = await usersStore.find(tx.db, id);
        if (user === null) throw new AppError('unauthorized');
        const secret = newTotpSecret();
        if (!(await factorsStore.putTotp(tx.db, id, secrets.encrypt(secret, totpPlace(id)), clock.now()))) {
          throw new AppError('in_use', 'You have an authenticator already; remove it first.');
        }
        tx.audit({ action: 'factors.totp_begun', target_type: 'user', target_id: id });
        return { secret, url: totpUrl(secret, `Atrium ${new URL(options.public_url()).host}`, user.email) };
      });
    },

    confirmTotp: async (call: Call, input: { code: string }) => {
      requireSession(call.caller);
      const { id, credential } = call.caller;
      const codes = await guarded(id, () =>
        transact(call, 'totp.confirm', async (tx) => {
          const totp = await factorsStore.totp(tx.db, id);
          if (totp === null || totp.confirmed_at !== null) throw notFound('The authenticator to confirm');
          const at = clock.now();
          const step = matchingStep(secrets.decrypt(totp.secret, totpPlace(id)), plainCode(input.code), at);
          if (step === null || !(await factorsStore.confirmTotp(tx.db, id, step, at))) return null;
          const proof = await sessionsStore.proof(tx.db, credential.id!, at);
          const shown = (proof?.amr ?? []).filter((method) => method !== 'mfa') as ProofMethod[];
          await sessionsStore.strengthen(tx.db, credential.id!, proofOf([...new Set([...shown, 'otp' as const])], at));
          announce(tx, id, 'totp_added');
          return giveCodes(tx, id);
        }),
      );
      if (codes === null) throw wrongCode(call, id, null);
      return { recovery_codes: codes };
    },

    removeTotp: async (call: Call): Promise<null> => {
      await requireFresh(context, call);
      const { id } = call.caller;
      return transact(call, 'totp.remove', async (tx) => {
        if (!(await factorsStore.deleteTotp(tx.db, id))) throw notFound('The authenticator');
        await factorsStore.deleteCodes(tx.db, id);
        await factorsStore.forget(tx.db, id);
        announce(tx, id, 'totp_removed');
        return null;
      });
    },

    renewCodes: async (call: Call) => {
      await requireFresh(context, call);
      const { id } = call.caller;
      return transact(call, 'recovery_codes.renew', async (tx) => {
        if (!(await factorsStore.totp(tx.db, id))?.confirmed_at) throw notFound('The authenticator');
        announce(tx, id, 'recovery_codes_renewed');
        return { recovery_codes: await giveCodes(tx, id) };
      });
    },

    forgetRemembered: (call: Call) =>
      transact(call, 'remembered_browsers.forget', async (tx) => {
        const forgotten = await factorsStore.forgetRemembered(tx.db, call.caller.id);
        announce(tx, call.caller.id, 'browsers_forgotten');
        return { forgotten };
      }),

    /** The second step of a sign-in. */
    answerChallenge: async (call: Call, input: { challenge: string; code: string; remember: boolean }) => {
      const hash = hashToken(input.challenge);
      const found = await factorsStore.tryChallenge(db, hash, clock.now(), challengeTries);
      if (found === null) throw deadChallenge();
      const person = await entry.entrant(call, found.user_id);
      if (person === null) throw deadChallenge();
      const admission = await guarded(person.user_id, () =>
        transact(person.call, 'auth.totp', async (tx) => {
          const method = await spend(tx, person.user_id, input.code);
          if (method === null) return null;
          // Taken with the code: a second answer to the same challenge finds nothing, and then its code stays good.
          if (!(await factorsStore.takeChallenge(tx.db, hash))) throw deadChallenge();
          if (input.remember) await remember(tx, call, person.user_id);
          if (method === 'rcv') announce(tx, person.user_id, 'recovery_code_used');
          const methods = [...(found.methods as ProofMethod[]), method];
          return entry.admitIn(tx, person, { user_id: person.user_id, methods, answered: true });
        }),
      );
      if (admission === null) throw wrongCode(person.call, person.user_id, person.org.id);
      return signedInOr(admission);
    },

    stepUp: async (
      call: Call,
      input: { password?: string | undefined; code?: string | undefined; passkey?: CeremonyAnswer | undefined },
    ) => {
      requireSession(call.caller);
      const { id, org_id } = call.caller;
      const method = await stepUpProof(call, input);
      if (method === null) {
        database.auditDenied(call, { action: 'auth.step_up_failed', target_type: 'user', target_id: id });
        throw new AppError('invalid_credentials', 'This does not prove that it is you.');
      }
      return transact(call, 'auth.step_up', async (tx) => {
        const org = await orgsStore.find(tx.db, org_id);
        if (org === null) throw new AppError('unauthorized');
        const known = await sessionsStore.proof(tx.db, call.caller.credential.id!, clock.now());
        tx.audit({ action: 'auth.step_up', target_type: 'user', target_id: id, details: { method } });
        return sessions.reissue(tx, call, org, null, proofOf([...firstOf(known, method), method], clock.now()));
      });
    },
  };
};

export type FactorsService = ReturnType<typeof createFactorsService>;
