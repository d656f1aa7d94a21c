import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { tokenPrefixes } from './credentials.ts';
import { credentialsStore } from './credentials-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { orgView, sessionView, userView } from './identity-views.ts';
import type { OrgRow } from './orgs-store.ts';
import { type Assurance, type RevokedSession, type SessionProof, sessionsStore } from './sessions-store.ts';
import { usersStore } from './users-store.ts';

const ticketSeconds = 30;

export interface NewSession {
  user_id: string;
  org: OrgRow;
  expires_at: Date;
  amr: readonly string[];
  acr?: Assurance;
  auth_time: Date;
}

/** Sessions: made by signing in, listed and ended by their person. */
export const createSessionsService = ({ clock, database, transact }: IdentityContext) => {
  const announceRevoked = (tx: Transaction, revoked: readonly RevokedSession[]): void => {
    for (const { id, org_id, user_id } of revoked) {
      tx.emit({ kind: identityEvents.sessionRevoked, id, org_id, body: { user_id } });
    }
  };

  /** Makes a session and what its person gets to see. The cookie is set once the transaction is over. */
  const issue = async (tx: Transaction, call: Call, session: NewSession) => {
    const token = newToken(tokenPrefixes.session);
    const id = newId();
    const at = clock.now();
    const { user_id, org, expires_at, amr, auth_time, acr = 'aal1' } = session;
    const user = await usersStore.find(tx.db, user_id);
    if (user === null) throw new AppError('unauthorized');
    await sessionsStore.insert(tx.db, {
      ...{ id, hash: hashToken(token), user_id, org_id: org.id, amr, acr, auth_time, at, expires_at },
      ip: call.ip,
      user_agent: call.user_agent?.slice(0, 512).toWellFormed() ?? null,
    });
    tx.emit({ kind: identityEvents.sessionCreated, id, org_id: org.id, body: { user_id } });
    tx.afterCommit(() => call.cookies?.set(token, expires_at));
    const expires_in = Math.floor((expires_at.getTime() - at.getTime()) / 1000);
    return { access_token: token, expires_in, user: userView(user), org: orgView(org) };
  };

  /** Replaces the session of the call by one with the same end or an earlier one: in another organisation, or proven anew. */
  const reissue = async (
    tx: Transaction,
    call: Call,
    org: OrgRow,
    latest: Date | null = null,
    proof: SessionProof | null = null,
  ) => {
    const { id, credential } = call.caller;
    const now = clock.now();
    const old = await sessionsStore.lock(tx.db, credential.id!, id, now);
    if (old === null) throw new AppError('unauthorized');
    announceRevoked(tx, await sessionsStore.revoke(tx.db, id, old.id, now));
    const expires_at = latest !== null && latest < old.expires_at ? latest : old.expires_at;
    const { amr, acr, auth_time } = proof ?? old;
    return issue(tx, call, { user_id: id, org, expires_at, amr, acr, auth_time });
  };

  const currentId = (call: Call): string | null =>
    call.caller.credential.kind === 'session' ? call.caller.credential.id : null;

  return {
    issue,
    reissue,
    announceRevoked,

    list: async (call: Call, input: { limit: number; cursor?: string | undefined }) => {
      const after = timePosition(input.cursor);
      const rows = await sessionsStore.page(database.read, call.caller.id, clock.now(), after, input.limit + 1);
      const position = (row: (typeof rows)[number]) => ({ value: row.created_at, id: row.id });
      return toPage(rows, input.limit, position, (row) => sessionView(row, currentId(call)));
    },

    revoke: (call: Call, input: { id: string }): Promise<null> =>
      transact(call, 'sessions.revoke', async (tx) => {
        const revoked = await sessionsStore.revoke(tx.db, call.caller.id, input.id, clock.now());
        if (revoked.length === 0) throw notFound('The session');
        announceRevoked(tx, revoked);
        tx.audit({ action: 'sessions.revoke', target_type: 'session', target_id: input.id });
        if (input.id === currentId(call)) tx.afterCommit(() => call.cookies?.clear());
        return null;
      }),

    revokeOthers: (call: Call): Promise<{ revoked: number }> =>
      transact(call, 'sessions.revoke_others', async (tx) => {
        const revoked = await sessionsStore.revokeOthers(tx.db, call.caller.id, currentId(call), clock.now());
        announceRevoked(tx, revoked);
        tx.audit({ action: 'sessions.revoke_others', details: { revoked: revoked.length } });
        return { revoked: revoked.length };
      }),

    /** Without a session there is nothing to end, which is not an error: the cookie goes all the same. */
    logout: async (call: Call): Promise<null> => {
      const id = currentId(call);
      if (id !== null) {
        await transact(call, 'auth.logout', async (tx) => {
          announceRevoked(tx, await sessionsStore.revoke(tx.db, call.caller.id, id, clock.now()));
          tx.audit({ action: 'auth.logout', target_type: 'session', target_id: id });
          const { id: user_id } = call.caller;
          tx.emit({ kind: identityEvents.signedOut, id: user_id, body: { user_id, session_id: id } });
        });
      }
      call.cookies?.clear();
      return null;
    },

    /** A browser cannot set headers on a WebSocket, and its cookie must not leave the origin: a ticket stands in. */
    ticket: (call: Call): Promise<{ ticket: string; expires_in: number }> =>
      transact(call, 'auth.ticket', async (tx) => {
        const { kind, id } = call.caller.credential;
        if (id === null || (kind !== 'session' && kind !== 'api_key')) {
          throw new AppError('bad_request', 'Send this token itself as the first message of the socket.');
        }
        const ticket = newToken(tokenPrefixes.ticket);
        const expires_at = new Date(clock.now().getTime() + ticketSeconds * 1000);
        await credentialsStore.insertTicket(tx.db, {
          hash: hashToken(ticket),
          credential_kind: kind,
          credential_id: id,
          expires_at,
        });
        return { ticket, expires_in: ticketSeconds };
      }),
  };
};

/** What signing in answers. */
export type SignedIn = Awaited<ReturnType<ReturnType<typeof createSessionsService>['issue']>>;

export type SessionsService = ReturnType<typeof createSessionsService>;
