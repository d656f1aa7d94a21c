import { isIP } from 'node:net';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Rate } from '../../platform/config/value-types.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import { type EntryService, type ProofMethod, proofOf, signedInOr } from './entry-service.ts';
import { factorsStore } from './factors-store.ts';
import { failedSignIn } from './failed-sign-in.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireSession } from './identity-policy.ts';
import { passkeyView } from './identity-views.ts';
import { requireOtherWayIn } from './other-way-in.ts';
import { type PasskeyRow, passkeysStore } from './passkeys-store.ts';
import { sessionsStore } from './sessions-store.ts';
import { requireFresh } from './step-up.ts';
import { usersStore } from './users-store.ts';

/** When first asked for: with its parsers of certificates it is three hundred modules, a sixth of what a start loads. */
const webAuthn = () => import('@simplewebauthn/server');

const ceremonyMs = 5 * 60 * 1000;
const mostPasskeys = 20;
/** EdDSA, ES256, RS256. Named, because the library would otherwise probe for algorithms that Node calls experimental. */
const algorithms = [-8, -7, -257];
/** Each ceremony is a row for five minutes. */
const ceremonies: Rate = { max: 60, windowMs: 15 * 60 * 1000 };

export interface CeremonyAnswer {
  ceremony_id: string;
  credential: Record<string, unknown>;
}

/** Browsers take passkeys for names only, never for bare addresses. */
export const passkeysWork = (publicUrl: string): boolean =>
  isIP(new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')) === 0;

/** Passkeys: made, listed, named, removed, and signed in with. Each asks for its owner, so it counts as two factors. */
export const createPasskeysService = (context: IdentityContext, entry: EntryService) => {
  const { clock, database, limiter, options, transact } = context;
  const db = database.read;

  const party = () => {
    const { hostname, origin } = new URL(options.public_url());
    return { rp_id: hostname, origin };
  };

  const begin = async (
    call: Call,
    about: { purpose: 'add' | 'sign_in' } | { purpose: 'personal_key'; public_key: string; nonce: string },
    challenge: string,
    userId: string | null,
  ) => {
    await requireGuess(limiter, 'ceremony', userId ?? addressKey(call.ip), ceremonies);
    const id = newId();
    const expires_at = new Date(clock.now().getTime() + ceremonyMs);
    await passkeysStore.insertCeremony(db, { ...about, id, challenge, user_id: userId, expires_at });
    return id;
  };

  const wrong = (log?: unknown): AppError =>
    new AppError('invalid_credentials', 'This passkey does not open an account here.', { log });

  const announce = (tx: Transaction, userId: string, change: string, passkey: { id: string; name: string }): void => {
    tx.emit({ kind: identityEvents.factorChanged, id: userId, body: { user_id: userId, change } });
    const details = { name: passkey.name };
    tx.audit({ action: `factors.${change}`, target_type: 'passkey', target_id: passkey.id, details });
  };

  /**
   * Checks an answer and moves the counter of its passkey. A counter that goes backwards means that there may be a copy:
   * an operator is refused, everybody else is let in and told.
   */
  const check = async (call: Call, input: CeremonyAnswer): Promise<PasskeyRow | null> => {
    const ceremony = await passkeysStore.takeCeremony(db, input.ceremony_id, 'sign_in', clock.now());
    if (ceremony === null) throw new AppError('invalid_credentials', 'The passkey came too late; begin again.');
    const response = input.credential as unknown as AuthenticationResponseJSON;
    if (typeof response.id !== 'string' || response.id.length > 2048) return null;
    const credentialId = response.id;
    // Found first without a lock: whose act it is decides where its lines go.
    const owner = await passkeysStore.findByCredential(db, credentialId);
    const person = owner === null ? null : await entry.entrant(call, owner.user_id);
    if (owner === null || person === null) return null;
    return transact(person.call, 'auth.passkey', (tx) => use(tx, response, ceremony.challenge, { strict: false }));
  };

  /**
   * Checks an answer, and moves the counter of its passkey or marks that it went backwards; then it is good for those
   * who are no operators, and for nobody where `strict`.
   */
  const use = async (
    tx: Transaction,
    response: AuthenticationResponseJSON,
    challenge: string,
    { of, strict }: { of?: string; strict: boolean },
  ): Promise<PasskeyRow | null> => {
    const passkey = await passkeysStore.lockByCredential(tx.db, response.id);
    if (passkey === null || (of !== undefined && passkey.user_id !== of)) return null;
    const used = await verified(response, challenge, passkey);
    if (used === null) return null;
    const at = clock.now();
    const { newCounter: counter, credentialBackedUp: backed_up } = used;
    const { id, user_id, name } = passkey;
    if ((counter === 0 && passkey.counter === 0) || counter > passkey.counter) {
      await passkeysStore.markUsed(tx.db, id, { counter, backed_up, at });
      return passkey;
    }
    await passkeysStore.markRegressed(tx.db, id, at);
    const refused = strict || (await usersStore.find(tx.db, user_id))?.is_operator === true;
    tx.emit({ kind: identityEvents.passkeyRegressed, id, body: { user_id, name, refused } });
    tx.audit({
      ...{ action: 'factors.passkey_regressed', target_type: 'passkey', target_id: id },
      details: { name, stored: passkey.counter, shown: counter, refused },
    });
    return refused ? null : passkey;
  };

  const verified = async (response: AuthenticationResponseJSON, challenge: string, passkey: PasskeyRow) => {
    const { rp_id, origin } = party();
    const { verifyAuthenticationResponse } = await webAuthn();
    const owner = response.response?.userHandle;
    if (owner !== undefined && owner !== Buffer.from(passkey.user_id).toString('base64url')) return null;
    try {
      const { verified: holds, authenticationInfo } = await verifyAuthenticationResponse({
        response,
        expectedChallenge: challenge,
        expectedOrigin: origin,
        expectedRPID: rp_id,
        requireUserVerification: true,
        // The library throws when the counter does not grow; here that is a decision, so it gets none to compare with.
        credential: {
          id: passkey.credential_id,
          publicKey: new Uint8Array(Buffer.from(passkey.public_key, 'base64url')),
          counter: 0,
        },
      });
      return holds ? authenticationInfo : null;
    } catch {
      // Whatever is wrong with what a browser sent, it proves nothing.
      return null;
    }
  };

  const registered = async (credential: Record<string, unknown>, challenge: string) => {
    const { rp_id, origin } = party();
    const { verifyRegistrationResponse } = await webAuthn();
    try {
      const { verified: holds, registrationInfo } = await verifyRegistrationResponse({
        response: credential as unknown as RegistrationResponseJSON,
        expectedChallenge: challenge,
        expectedOrigin: origin,
        expectedRPID: rp_id,
        requireUserVerification: true,
        supportedAlgorithmIDs: algorithms,
      });
      return holds ? registrationInfo : null;
    } catch {
      return null;
    }
  };

  return {
    check,

    /** A passkey of the caller is to approve something else than a sign-in, of which the challenge is the hash. */
    beginApproval: async (call: Call, about: { challenge: Uint8Array; public_key: string; nonce: string }) => {
      const { id } = call.caller;
      const held = await passkeysStore.ofUser(db, id);
      if (held.length === 0) throw new AppError('passkey_missing');
      const { challenge, public_key, nonce } = about;
      const { generateAuthenticationOptions } = await webAuthn();
      const made = await generateAuthenticationOptions({
        rpID: party().rp_id,
        userVerification: 'required',
        challenge: new Uint8Array(challenge),
        allowCredentials: held.map((key) => ({ id: key.credential_id, transports: key.transports })),
      });
      return {
        ceremony_id: await begin(call, { purpose: 'personal_key', public_key, nonce }, made.challenge, id),
        options: made as unknown as Record<string, unknown>,
      };
    },

    /** What the caller began, which is gone with that. */
    takeApproval: (call: Call, ceremonyId: string) =>
      passkeysStore.takeApproval(db, ceremonyId, call.caller.id, clock.now()),

    /** Whether a passkey of that person said yes. One that may be a copy does not. */
    approveIn: async (tx: Transaction, userId: string, challenge: string, credential: CeremonyAnswer['credential']) => {
      const response = credential as unknown as AuthenticationResponseJSON;
      if (typeof response.id !== 'string' || response.id.length > 2048) return false;
      return (await use(tx, response, challenge, { of: userId, strict: true })) !== null;
    },

    options: async (call: Call) => {
      const { generateAuthenticationOptions } = await webAuthn();
      const made = await generateAuthenticationOptions({ rpID: party().rp_id, userVerification: 'required' });
      const ceremony_id = await begin(call, { purpose: 'sign_in' }, made.challenge, null);
      return { ceremony_id, options: made as unknown as Record<string, unknown> };
    },

    signIn: async (call: Call, input: CeremonyAnswer) => {
      const passkey = await check(call, input);
      if (passkey === null) {
        const entry = { action: 'auth.login_failed', details: { method: 'passkey' } };
        database.auditDenied(call, entry, failedSignIn({ user_id: null, org_id: null }, 'passkey'));
        throw wrong();
      }
      return signedInOr(await entry.admit(call, { user_id: passkey.user_id, methods: ['hwk'] }));
    },

    list: async (call: Call) => ({
      items: (await passkeysStore.ofUser(db, call.caller.id)).map(passkeyView),
      next_cursor: null,
    }),

    begin: async (call: Call) => {
      await requireFresh(context, call);
      const { id } = call.caller;
      const [user, held] = await Promise.all([usersStore.find(db, id), passkeysStore.ofUser(db, id)]);
      if (user === null) throw new AppError('unauthorized');
      if (held.length >= mostPasskeys) throw new AppError('in_use', `An account has at most ${mostPasskeys} passkeys.`);
      const { generateRegistrationOptions } = await webAuthn();
      const made = await generateRegistrationOptions({
        rpName: 'Atrium',
        rpID: party().rp_id,
        userID: new Uint8Array(Buffer.from(id)),
        userName: user.email,
        userDisplayName: user.name,
        attestationType: 'none',
        supportedAlgorithmIDs: algorithms,
        excludeCredentials: held.map((key) => ({ id: key.credential_id, transports: key.transports })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      });
      return {
        ceremony_id: await begin(call, { purpose: 'add' }, made.challenge, id),
        options: made as unknown as Record<string, unknown>,
      };
    },

    create: async (call: Call, input: CeremonyAnswer & { name: string }) => {
      requireSession(call.caller);
      const { id: userId, credential } = call.caller;
      const at = clock.now();
      const ceremony = await passkeysStore.takeCeremony(db, input.ceremony_id, 'add', at);
      if (ceremony === null || ceremony.user_id !== userId) {
        throw invalid('ceremony_id', 'is unknown or over; begin again');
      }
      const info = await registered(input.credential, ceremony.challenge);
      if (info === null) throw invalid('credential', 'is not a passkey that this server asked for');
      const transports = info.credential.transports ?? [];
      return transact(call, 'passkeys.create', async (tx) => {
        const passkey = {
          ...{ id: newId(), credential_id: info.credential.id, user_id: userId, name: input.name, created_at: at },
          public_key: Buffer.from(info.credential.publicKey).toString('base64url'),
          ...{ counter: info.credential.counter, aaguid: info.aaguid, backed_up: info.credentialBackedUp },
          transports: transports.slice(0, 10).map((name) => String(name).slice(0, 20)),
        };
        if (!(await passkeysStore.insert(tx.db, passkey))) {
          throw new AppError('name_taken', 'This passkey is registered already.');
        }
        // Its owner was asked for just now, so this session has shown it too.
        const proof = await sessionsStore.proof(tx.db, credential.id!, at);
        const shown = (proof?.amr ?? []).filter((method) => method !== 'mfa') as ProofMethod[];
        await sessionsStore.strengthen(tx.db, credential.id!, proofOf([...new Set([...shown, 'hwk' as const])], at));
        announce(tx, userId, 'passkey_added', passkey);
        return passkeyView({ ...passkey, last_used_at: null, regressed_at: null });
      });
    },

    rename: (call: Call, input: { id: string; name: string }) =>
      transact(call, 'passkeys.rename', async (tx) => {
        const passkey = await passkeysStore.rename(tx.db, call.caller.id, input.id, input.name);
        if (passkey === null) throw notFound('The passkey');
        announce(tx, call.caller.id, 'passkey_renamed', passkey);
        return passkeyView(passkey);
      }),

    remove: async (call: Call, input: { id: string }): Promise<null> => {
      await requireFresh(context, call);
      return transact(call, 'passkeys.remove', async (tx) => {
        const { id } = call.caller;
        const passkey = await passkeysStore.delete(tx.db, id, input.id);
        if (passkey === null) throw notFound('The passkey');
        await requireOtherWayIn(tx, id);
        await factorsStore.forget(tx.db, id);
        announce(tx, id, 'passkey_removed', passkey);
        return null;
      });
    },
  };
};

export type PasskeysService = ReturnType<typeof createPasskeysService>;
