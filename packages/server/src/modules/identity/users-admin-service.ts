import type {
  ParsedInputOf,
  ServerSessionView,
  ServerUserView,
  userSessionsList,
  usersCreate,
  usersList,
  usersSetOperator,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { endDevices } from './device-endings.ts';
import { emailsStore } from './emails-store.ts';
import { factorsStore } from './factors-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import type { LinksService } from './links-service.ts';
import { membersStore } from './members-store.ts';
import { announceCreated, personalOrgName, personCaller } from './new-person.ts';
import type { OrgsService } from './orgs-service.ts';
import type { SessionsService } from './sessions-service.ts';
import { sessionsStore } from './sessions-store.ts';
import { endSessions } from './shut-out.ts';
import { requireFresh } from './step-up.ts';
import { type ServerSessionRow, type ServerUserRow, usersAdminStore } from './users-admin-store.ts';
import { usersStore } from './users-store.ts';

const userView = (row: ServerUserRow): ServerUserView => ({
  ...row,
  created_at: row.created_at.toISOString(),
  last_login_at: row.last_login_at?.toISOString() ?? null,
});

const sessionView = (row: ServerSessionRow, currentId: string | null): ServerSessionView => ({
  id: row.id,
  user: { id: row.user_id, name: row.user_name, email: row.email, is_operator: row.is_operator },
  org: { id: row.org_id, name: row.org_name },
  current: row.id === currentId,
  methods: row.amr,
  signed_in_at: row.auth_time.toISOString(),
  ip: row.ip,
  user_agent: row.user_agent,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
});

export const lastOperator = (): AppError =>
  new AppError('identity_last_operator', 'A server keeps at least one operator. Make somebody else one first.');

/**
 * Refuses a caller whose rights as an operator were taken away after the credential was resolved: what they had a
 * moment ago must not change anything any more.
 */
export const requireOperator = async (tx: Transaction, caller: Caller): Promise<void> => {
  if (caller.kind === 'system' || (await usersAdminStore.isOperator(tx.db, caller.id))) return;
  throw new AppError('operator_required');
};

/** Tells operators wherever they are: the server is theirs as a whole, events belong to organisations. */
export const emitToOperators = async (
  tx: Transaction,
  event: { kind: string; id: string; body?: Record<string, unknown> },
): Promise<void> => {
  for (const org_id of await usersAdminStore.operatorOrgs(tx.db)) tx.emit({ ...event, org_id });
};

/** People and sessions of the whole server, for operators. */
export const createUsersAdminService = (
  context: IdentityContext,
  { sessions, links, orgs }: { sessions: SessionsService; links: LinksService; orgs: OrgsService },
) => {
  const { clock, database, hooks, transact } = context;
  const lockUser = async (tx: Transaction, id: string) => {
    const user = await usersAdminStore.lock(tx.db, id);
    if (user === null || user.state === 'erased') throw notFound('The person');
    return user;
  };

  /** Of two operators who act against each other the slower one finds no right left. */
  const lockOperators = async (tx: Transaction, call: Call): Promise<string[]> => {
    const operators = await usersAdminStore.lockOperators(tx.db);
    if (call.caller.kind !== 'system' && !operators.includes(call.caller.id)) throw new AppError('operator_required');
    return operators;
  };

  const requireAnotherOperator = (operators: readonly string[], call: Call, id: string, act: string): void => {
    if (!operators.includes(id)) return;
    if (operators.length === 1) throw lastOperator();
    if (id === call.caller.id)
      throw new AppError('permission_denied', `Nobody ${act} themselves; another operator can.`, {
        extensions: { error: 'permission denied', required: 'another operator' },
      });
  };

  const announce = async (tx: Transaction, id: string, change: string): Promise<void> => {
    // Each organisation's members see the person change, and every replica forgets what it cached of them.
    for (const org_id of await membersStore.orgIds(tx.db, id))
      tx.emit({ kind: identityEvents.memberUpdated, id, org_id, body: { user_id: id, change } });
    await emitToOperators(tx, { kind: identityEvents.userUpdated, id, body: { user_id: id, change } });
  };

  const shown = async (tx: Transaction, id: string): Promise<ServerUserView> =>
    userView((await usersAdminStore.find(tx.db, id, clock.now()))!);

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof usersList>) => {
      const { limit, cursor, ...filter } = input;
      const rows = await usersAdminStore.page(database.read, {
        ...filter,
        after: timePosition(cursor),
        limit: limit + 1,
        now: clock.now(),
      });
      return toPage(rows, limit, (row) => ({ value: row.created_at, id: row.id }), userView);
    },

    get: async (_call: Call, input: { id: string }) => {
      const row = await usersAdminStore.find(database.read, input.id, clock.now());
      if (row === null) throw notFound('The person');
      return userView(row);
    },

    /** Nobody sets a password for somebody else: the link in the letter does, and proves the address with it. */
    create: async (call: Call, { name, email }: ParsedInputOf<typeof usersCreate>) => {
      await requireFresh(context, call);
      const [id, org_id, at] = [newId(), newId(), clock.now()];
      return transact(call, 'users.create', async (tx) => {
        await requireOperator(tx, call.caller);
        const account = { id, name, email, email_id: newId(), verified: false, created_by: 'invite', phc: null, at };
        await usersStore.insert(tx.db, { ...account, is_operator: false });
        announceCreated(tx, { user_id: id, org_id, created_by: 'invite' });
        const self = callAs(call, personCaller({ id, name, org_id, org_name: personalOrgName(name) }));
        await orgs.createIn(tx, self, { id: org_id, name: personalOrgName(name), is_personal: true, owner_id: id });
        await links.sendIn(tx, call, { purpose: 'reset', user_id: id, email });
        await emitToOperators(tx, { kind: identityEvents.userUpdated, id, body: { user_id: id, change: 'created' } });
        tx.audit({ action: 'users.create', target_type: 'user', target_id: id, details: { name } });
        return shown(tx, id);
      });
    },

    enable: async (call: Call, { id }: { id: string }) => {
      await requireFresh(context, call);
      return transact(call, 'users.enable', async (tx) => {
        await requireOperator(tx, call.caller);
        const user = await lockUser(tx, id);
        if (user.state === 'active') return shown(tx, id);
        await usersAdminStore.setState(tx.db, id, 'active');
        await announce(tx, id, 'enabled');
        tx.audit({ action: 'users.enable', target_type: 'user', target_id: id, details: { name: user.name } });
        return shown(tx, id);
      });
    },

    disable: async (call: Call, { id }: { id: string }) => {
      await requireFresh(context, call);
      return transact(call, 'users.disable', async (tx) => {
        const operators = await lockOperators(tx, call);
        const user = await lockUser(tx, id);
        if (user.state === 'disabled') return shown(tx, id);
        requireAnotherOperator(operators, call, id, 'disables');
        await usersAdminStore.setState(tx.db, id, 'disabled');
        const ended = await endSessions(tx, { sessions, clock }, id);
        await endDevices(tx, context, { user_id: id }, 'owner_gone');
        for (const hook of hooks.userDisabled) await hook(tx, id);
        await announce(tx, id, 'disabled');
        tx.audit({
          action: 'users.disable',
          target_type: 'user',
          target_id: id,
          details: { name: user.name, sessions_ended: ended },
        });
        return shown(tx, id);
      });
    },

    setOperator: async (call: Call, { id, is_operator }: ParsedInputOf<typeof usersSetOperator>) => {
      await requireFresh(context, call);
      return transact(call, 'users.set_operator', async (tx) => {
        const operators = await lockOperators(tx, call);
        const user = await lockUser(tx, id);
        if (user.is_operator === is_operator) return shown(tx, id);
        if (!is_operator) requireAnotherOperator(operators, call, id, 'takes this right from');
        await usersAdminStore.setOperator(tx.db, id, is_operator);
        await announce(tx, id, is_operator ? 'made_operator' : 'operator_ended');
        tx.audit({
          action: 'users.set_operator',
          target_type: 'user',
          target_id: id,
          details: { name: user.name, is_operator },
        });
        return shown(tx, id);
      });
    },

    /** For somebody who lost their device. A session may be what a thief of it holds, so those end as well. */
    resetFactors: async (call: Call, { id }: { id: string }) => {
      await requireFresh(context, call);
      return transact(call, 'users.reset_factors', async (tx) => {
        await requireOperator(tx, call.caller);
        await lockUser(tx, id);
        const sessions_ended = await endSessions(tx, { sessions, clock }, id);
        const removed = await factorsStore.deleteSecond(tx.db, id);
        await announce(tx, id, 'factors_reset');
        const details = { sessions_ended, ...removed };
        tx.audit({ action: 'users.reset_factors', target_type: 'user', target_id: id, details });
        return shown(tx, id);
      });
    },

    /** Mails a link; no operator ever knows somebody else's password. */
    resetPassword: async (call: Call, { id }: { id: string }): Promise<null> => {
      await requireFresh(context, call);
      return transact(call, 'users.reset_password', async (tx) => {
        await requireOperator(tx, call.caller);
        await lockUser(tx, id);
        const primary = (await emailsStore.ofUser(tx.db, id)).find((email) => email.is_primary);
        if (primary === undefined) throw notFound('The address of the person');
        await links.sendIn(tx, call, { purpose: 'reset', user_id: id, email: primary.address });
        tx.audit({ action: 'users.reset_password', target_type: 'user', target_id: id });
        return null;
      });
    },

    sessions: async (call: Call, input: ParsedInputOf<typeof userSessionsList>) => {
      const { limit, cursor, ...filter } = input;
      const rows = await usersAdminStore.sessions(database.read, {
        ...filter,
        after: timePosition(cursor),
        limit: limit + 1,
        now: clock.now(),
      });
      const { kind, id } = call.caller.credential;
      const position = (row: ServerSessionRow) => ({ value: row.created_at, id: row.id });
      return toPage(rows, limit, position, (row) => sessionView(row, kind === 'session' ? id : null));
    },

    revokeSession: (call: Call, { id }: { id: string }): Promise<null> =>
      transact(call, 'user_sessions.revoke', async (tx) => {
        await requireOperator(tx, call.caller);
        const owner = await usersAdminStore.ownerOfSession(tx.db, id);
        const revoked = owner === null ? [] : await sessionsStore.revoke(tx.db, owner, id, clock.now());
        if (revoked.length === 0) throw notFound('The session');
        sessions.announceRevoked(tx, revoked);
        await emitToOperators(tx, { kind: identityEvents.userUpdated, id: owner!, body: { change: 'session_ended' } });
        tx.audit({
          action: 'user_sessions.revoke',
          target_type: 'session',
          target_id: id,
          details: { user_id: owner },
        });
        if (call.caller.credential.id === id) tx.afterCommit(() => call.cookies?.clear());
        return null;
      }),
  };
};

export type UsersAdminService = ReturnType<typeof createUsersAdminService>;
