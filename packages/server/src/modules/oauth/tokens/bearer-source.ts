import { commonScopes } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import { proofWindow, verifyProof } from '../../../platform/secrets/dpop-proof.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { CredentialSource, CredentialUse, IdentityService } from '../../identity/index.ts';
import type { Db } from '../stores/db.ts';
import { replaysStore } from '../stores/revocations-store.ts';
import { type AccessTokenFacts, type AccessTokens, looksLikeJwt } from './access-token.ts';
import type { RevocationSet } from './revocation-set.ts';

interface Known {
  facts: AccessTokenFacts;
  caller: Caller;
  until: number;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const mostKnown = 5000;
/** Seconds at most, so that a lost notification cannot keep a role alive that its principal has lost. */
const knownMs = 30_000;
/** The same as for sessions: rights of an operator need a sign-in within twelve hours. */
const operatorSignInMs = 12 * 60 * 60_000;

/** Facts of identity that change what a principal may do. Comings and goings of sessions do not. */
const changesCallers = /^identity\.(org|member|role|agent|device)\./;

export interface BearerSource extends CredentialSource {
  /** The caller of an open connection as it is now; null when its token has ended. */
  refresh(caller: Caller): Promise<Caller | null>;
  invalidate(kind: string): void;
}

/** Access tokens of the authorization server as credentials of every door. */
export const createBearerSource = (parts: {
  tokens: AccessTokens;
  revocations: RevocationSet;
  identity: Pick<IdentityService, 'callerOf' | 'isOperator' | 'subjects'>;
  /** Whether an operator registered the client. */
  isOwnClient: (clientId: string) => Promise<boolean>;
  clock: Clock;
  origin: () => string;
  db: Db;
}): BearerSource => {
  const { tokens, revocations, identity, isOwnClient, clock, origin, db } = parts;
  const known = new Map<string, Known>();
  /** By the credential of a caller, which survives its renewal. */
  const ofCredential = new WeakMap<Caller['credential'], AccessTokenFacts>();
  let generation = 0;

  /**
   * A scope alone opens nothing: the person must be an operator who signed in lately, acting themselves, and the client
   * one that an operator registered.
   */
  const actsAsOperator = async (facts: AccessTokenFacts): Promise<boolean> =>
    facts.actor_type === 'user' &&
    facts.act === null &&
    facts.scopes.some((scope) => scope.startsWith('admin:')) &&
    facts.auth_time !== null &&
    facts.auth_time * 1000 > clock.now().getTime() - operatorSignInMs &&
    (await isOwnClient(facts.client_id)) &&
    (await identity.isOperator(facts.subject));

  /**
   * What the agent or person that acts may do, wherever they belong. Clients act too, and end in other ways: their
   * tokens end with them.
   */
  const reachOfActor = async ({ act }: AccessTokenFacts): Promise<readonly string[] | 'gone'> => {
    const id = act?.['sub'];
    if (typeof id !== 'string' || !uuid.test(id)) return ['*'];
    const agent = await identity.subjects.namedAgent(db, id);
    if (agent !== null) return agent.scopes;
    return (await identity.subjects.profile(db, id)) === null ? 'gone' : ['*'];
  };

  const callerOf = async (facts: AccessTokenFacts): Promise<Caller | null> => {
    if (facts.org_id === null) return null;
    const kind = facts.actor_type;
    const principal = await identity.callerOf({ org_id: facts.org_id, kind, id: facts.subject });
    if (principal === null || principal.kind !== kind) return null;
    const reach = await reachOfActor(facts);
    if (reach === 'gone') return null;
    // The token narrows its principal, never more than that; and who acts with it reaches no further than themselves.
    const scopes = [principal.scopes, reach].reduce<readonly string[]>(
      (left, held) => (held.includes('*') ? left : commonScopes(left, held)),
      facts.scopes,
    );
    // Two tokens of one person are two credentials, also where connections are told apart by them.
    const id = hashToken(facts.jti);
    const credential = Object.freeze({ kind: 'access_token' as const, id, expires_at: facts.expires_at });
    ofCredential.set(credential, facts);
    return Object.freeze({ ...principal, scopes, credential, is_operator: await actsAsOperator(facts) });
  };

  const lookUp = async (token: string): Promise<Known | null> => {
    const hash = hashToken(token);
    const now = clock.now().getTime();
    const found = known.get(hash);
    if (found !== undefined && found.until > now && found.facts.expires_at.getTime() + 5000 > now) {
      if (await revocations.revoked(found.facts)) return null;
      return found;
    }
    const before = generation;
    const facts = await tokens.verify(token);
    const caller = facts === null ? null : await callerOf(facts);
    if (facts === null || caller === null) return null;
    const entry = { facts, caller, until: now + knownMs };
    // An opaque token is looked up each time: the table alone knows when it ended.
    if (facts.format === 'jwt' && before === generation) {
      known.set(hash, entry);
      if (known.size > mostKnown) known.delete(known.keys().next().value!);
    }
    return entry;
  };

  /** The resource of the door, or the origin that all doors are part of. */
  const isFor = (audience: string | null, resource: string | undefined): boolean =>
    resource !== undefined &&
    audience !== null &&
    (audience === resource || audience === origin() || audience === `${origin()}/`);

  const isProven = async (facts: AccessTokenFacts, token: string, proof: CredentialUse['proof']): Promise<boolean> => {
    if (facts.x5t !== null && proof?.certificate !== facts.x5t) return false;
    if (facts.jkt === null) return proof === undefined || proof.scheme === 'bearer';
    if (proof === undefined || proof.scheme !== 'dpop' || proof.dpop === null) return false;
    const now = clock.now();
    const jti = await verifyProof(proof.dpop, {
      method: proof.method,
      url: proof.url,
      access_token: token,
      jkt: facts.jkt,
      now,
    });
    if (jti === null) return false;
    return await replaysStore.claim(db, {
      issuer: `dpop:${facts.jkt}`,
      jti_hash: hashToken(jti),
      kind: 'dpop',
      expires_at: new Date(now.getTime() + 2 * proofWindow * 1000),
    });
  };

  return {
    matches: (token) => looksLikeJwt(token) || /^[A-Za-z0-9_-]{43}$/.test(token),
    resolve: async (token, use) => {
      if (use.via === 'cookie') return null;
      const found = await lookUp(token);
      if (found === null || !isFor(found.facts.audience, use.resource)) return null;
      return (await isProven(found.facts, token, use.proof)) ? found.caller : null;
    },
    refresh: async (caller) => {
      const facts = ofCredential.get(caller.credential);
      if (facts === undefined || facts.expires_at <= clock.now() || (await revocations.revokedInTable(facts)))
        return null;
      return await callerOf(facts);
    },
    invalidate: (kind) => {
      if (!changesCallers.test(kind)) return;
      generation += 1;
      known.clear();
    },
  };
};
