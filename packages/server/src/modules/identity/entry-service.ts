import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { factorsStore } from './factors-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { personCaller } from './new-person.ts';
import { type OrgRow, orgsStore } from './orgs-store.ts';
import type { SessionsService, SignedIn } from './sessions-service.ts';
import type { Assurance, SessionProof } from './sessions-store.ts';
import { usersStore } from './users-store.ts';

/**
 * How somebody proved who they are, after RFC 8176: password, code of an authenticator, recovery code, passkey, mailed
 * link, account elsewhere; `rem` is a browser in which the second factor was shown earlier.
 */
export type ProofMethod = 'pwd' | 'otp' | 'rcv' | 'hwk' | 'email' | 'fed' | 'rem';

export interface Proof {
  user_id: string;
  methods: readonly ProofMethod[];
  /** An earlier end than that of an ordinary session. */
  latest?: Date;
  /** The second factor that was asked for and shown; then it is not asked for again. */
  answered?: boolean;
}

/** What a proof leads to. A challenge is good for one answer with a second factor, for a few minutes. */
export type Admission =
  | { kind: 'signed_in'; answer: SignedIn }
  | { kind: 'factor_required'; challenge: string; expires_in: number; methods: readonly ('totp' | 'recovery_code')[] };

/** Somebody who may sign in, with the call as theirs and where they go on. */
export interface Entrant {
  user_id: string;
  org: OrgRow;
  call: Call;
}

export const rememberedCookie = 'atrium_remembered';
const challengeMs = 5 * 60 * 1000;
const strongAlone: readonly ProofMethod[] = ['hwk'];
const seconds: readonly ProofMethod[] = ['otp', 'rcv'];

/** A passkey, or a second factor beside a first one. A browser that is remembered proves less than a code shown now. */
const isStrong = (methods: readonly ProofMethod[]): boolean =>
  methods.some((method) => strongAlone.includes(method)) ||
  (methods.some((method) => seconds.includes(method)) && methods.some((method) => !seconds.includes(method)));

export const proofOf = (methods: readonly ProofMethod[], at: Date): SessionProof => {
  const acr: Assurance = isStrong(methods) ? 'aal2' : 'aal1';
  return { auth_time: at, acr, amr: acr === 'aal2' ? [...methods, 'mfa'] : [...methods] };
};

/** The refusal that a program gets instead of a session. */
export const signedInOr = (admission: Admission): SignedIn => {
  if (admission.kind === 'signed_in') return admission.answer;
  const { challenge, expires_in, methods } = admission;
  throw new AppError('identity_factor_required', 'Enter the code of your authenticator, or a recovery code.', {
    extensions: { challenge, expires_in, methods },
  });
};

/** The one way from a proven person to a session, for every method of signing in. */
export const createEntryService = (context: IdentityContext, sessions: SessionsService) => {
  const { clock, database, options, transact } = context;
  const inMs = (ms: number): Date => new Date(clock.now().getTime() + ms);

  /** Null when there is no such person, or they are shut out of every organisation. */
  const entrant = async (call: Call, userId: string): Promise<Entrant | null> => {
    const [person, org] = await Promise.all([
      usersStore.find(database.read, userId),
      orgsStore.lastUsed(database.read, userId),
    ]);
    if (person === null || org === null || person.state !== 'active') return null;
    const caller = personCaller({ id: userId, name: person.name, org_id: org.id, org_name: org.name });
    return { user_id: userId, org, call: callAs(call, caller) };
  };

  const isRemembered = async (tx: Transaction, call: Call, userId: string): Promise<boolean> => {
    const token = call.cookies?.read(rememberedCookie) ?? null;
    return token !== null && factorsStore.isRemembered(tx.db, hashToken(token), userId, clock.now());
  };

  const challengeIn = async (tx: Transaction, proof: Proof): Promise<Admission> => {
    const challenge = newToken();
    const at = clock.now();
    const { user_id, methods } = proof;
    await factorsStore.insertChallenge(tx.db, {
      ...{ hash: hashToken(challenge), user_id, methods, at },
      expires_at: inMs(challengeMs),
    });
    return { kind: 'factor_required', challenge, expires_in: challengeMs / 1000, methods: ['totp', 'recovery_code'] };
  };

  /** Inside the transaction that spent the proof, so that neither is there without the other. */
  const admitIn = async (tx: Transaction, { user_id, org, call }: Entrant, proof: Proof): Promise<Admission> => {
    let methods = proof.methods;
    const totp = isStrong(methods) || proof.answered === true ? null : await factorsStore.totp(tx.db, user_id);
    if (totp?.confirmed_at) {
      if (!(await isRemembered(tx, call, user_id))) return challengeIn(tx, proof);
      methods = [...methods, 'rem'];
    }
    const at = clock.now();
    await usersStore.markLogin(tx.db, user_id, at);
    tx.audit({ action: 'auth.login', target_type: 'user', target_id: user_id, details: { methods } });
    tx.emit({ kind: identityEvents.signedIn, id: user_id, org_id: org.id, body: { user_id, methods } });
    const ordinary = inMs(options.session_ttl_ms);
    const expires_at = proof.latest !== undefined && proof.latest < ordinary ? proof.latest : ordinary;
    return {
      kind: 'signed_in',
      answer: await sessions.issue(tx, call, { user_id, org, expires_at, ...proofOf(methods, at) }),
    };
  };

  return {
    entrant,
    admitIn,

    /** Turns a person whose proof was checked into a session, or into a challenge when a second factor is due. */
    admit: async (call: Call, proof: Proof): Promise<Admission> => {
      const person = await entrant(call, proof.user_id);
      if (person === null) throw new AppError('invalid_credentials');
      return transact(person.call, 'auth.login', (tx) => admitIn(tx, person, proof));
    },
  };
};

export type EntryService = ReturnType<typeof createEntryService>;
