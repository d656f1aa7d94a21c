import { hasPermission } from '@atrium/protocol';
import type { Provider } from 'oidc-provider';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { ClientFacts, ClientRegistry } from './clients/client-registry.ts';
import type { ResourceRegistry } from './clients/resource-registry.ts';
import { oidcScopes, scopeWords } from './clients/scopes-of-clients.ts';
import { byHash } from './engine/engine-adapter.ts';
import { errors, loadEngine } from './engine/oidc-provider.ts';
import { currentScope, inScope, RequestScope } from './engine/request-scope.ts';
import { oauthEvents } from './oauth-events.ts';
import type { OauthParts } from './oauth-parts.ts';
import { type ApprovalKind, type ApprovalRow, approvalsStore } from './stores/approvals-store.ts';
import { clientsStore } from './stores/clients-store.ts';
import type { Db } from './stores/db.ts';
import { grantsStore } from './stores/grants-store.ts';

/** A question to one person, as whoever shows it gets it. Texts of the client are marked as such by their names. */
export interface ApprovalQuestion {
  id: string;
  kind: ApprovalKind;
  org_id: string;
  person_id: string;
  client: { name: string; host: string | null; agent: boolean };
  /** What the client would be allowed, in words. */
  may: readonly string[];
  resources: readonly string[];
  transaction: Record<string, unknown> | null;
  binding_message: string | null;
  expires_at: Date;
}

/** Who shows questions to people. Both run in the transaction of the request they are about. */
export interface ApprovalAsker {
  ask(tx: Transaction, call: Call, question: ApprovalQuestion): Promise<void>;
  /** The question needs no answer any more. */
  withdraw(
    tx: Transaction,
    call: Call,
    question: { id: string; org_id: string; by: 'client' | 'operator' },
  ): Promise<void>;
}

export interface AskedPerson {
  id: string;
  org_id: string;
}

/** Refused for now; `retry_after_s` says until when. */
export interface Refused {
  retry_after_s: number;
}

const minute = 60_000;
const hour = 60 * minute;
/** A person has other things to do than to answer software that asks without end. */
const mostOpen = { of_person: 5, of_client: 3 };
export const longestApprovalS = 600;
export const usualApprovalS = 300;
export const pollIntervalS = 5;

type Parts = Pick<OauthParts, 'clock' | 'limiter' | 'identity' | 'public_url' | 'database'> & {
  clients: ClientRegistry;
  resources: ResourceRegistry;
  provider: () => Provider;
};

interface NewApproval {
  kind: ApprovalKind;
  id_hash: string;
  facts: ClientFacts;
  person: AskedPerson;
  details: Record<string, unknown>[];
  scopes: string[];
  resources: string[];
  binding_message: string | null;
  expires_in_s: number;
}

/** Requests that a person decides apart from the client: approvals of one transaction, and CIBA. */
export const createApprovalsService = (parts: Parts) => {
  const { clock, limiter, identity, clients, resources } = parts;
  let asker: ApprovalAsker | null = null;
  const requireAsker = (): ApprovalAsker => {
    if (asker === null) throw new Error('Nobody shows approvals to people.');
    return asker;
  };

  const hostOf = async (db: Db, facts: ClientFacts): Promise<string | null> => {
    const row = facts.agent === null ? await clientsStore.find(db, facts.client_id) : null;
    const [redirect] = row?.redirect_uris ?? [];
    const uri = (row?.metadata['client_uri'] as string | undefined) ?? redirect;
    return uri !== undefined && URL.canParse(uri) ? new URL(uri).host || null : null;
  };

  /** Somebody who could answer: an active member who may decide items there. */
  const canDecide = async (id: string, org_id: string): Promise<boolean> => {
    const caller = await identity.callerOf({ org_id, kind: 'user', id });
    return caller !== null && ['items.read', 'items.write'].every((one) => hasPermission(caller.permissions, one));
  };

  const orgFor = async (facts: ClientFacts, person: string): Promise<string | null> => {
    const scope = currentScope();
    const orgs = await scope.run((db) => identity.subjects.orgs(db, person));
    const before = await scope.run((db) =>
      grantsStore.latest(db, { client_id: facts.client_id, subject: person, actor: null }, clock.now()),
    );
    const wanted = facts.org_id ?? before?.org_id ?? orgs[0]?.id;
    return orgs.find(({ id }) => id === wanted)?.id ?? null;
  };

  const question = async (db: Db, row: NewApproval & { id: string; expires_at: Date }): Promise<ApprovalQuestion> => {
    const names: string[] = [];
    for (const one of row.resources) names.push((await resources.find(db, one))?.name ?? one);
    return {
      id: row.id,
      kind: row.kind,
      org_id: row.person.org_id,
      person_id: row.person.id,
      client: { name: row.facts.name, host: await hostOf(db, row.facts), agent: row.facts.agent !== null },
      may: row.scopes.map(scopeWords),
      resources: names,
      transaction: row.details[0] ?? null,
      binding_message: row.binding_message,
      expires_at: row.expires_at,
    };
  };

  /** The engine works in a transaction that another act opened. */
  const within = async <T>(tx: Transaction, call: Call, org_id: string, act: () => Promise<T>): Promise<T> => {
    const joined = { ...parts.database, read: tx.db, transaction: (_call: Call, run: never) => (run as Run)(tx) };
    const scope = new RequestScope({
      database: joined as unknown as OauthParts['database'],
      call,
      person: call.caller,
      public_url: parts.public_url(),
      certificate: null,
    });
    scope.of_a_person = true;
    scope.grant_org = org_id;
    return await inScope(scope, async () => {
      try {
        return await act();
      } finally {
        // Whether it is kept is decided by whoever opened it.
        await scope.end(true);
      }
    });
  };
  type Run = (tx: Transaction) => Promise<unknown>;

  /** Tells the engine what became of a CIBA request, which its client polls for there. */
  const settleCiba = async (db: Db, row: ApprovalRow): Promise<void> => {
    await loadEngine();
    const provider = parts.provider();
    const request = await provider.BackchannelAuthenticationRequest.find(`${byHash}${row.id_hash}`);
    if (request === undefined) throw ended();
    if (row.state !== 'approved') {
      const why = row.state === 'denied' ? 'the person denied the request' : 'an operator ended the request';
      return await provider.backchannelResult(request, new errors.AccessDenied(why));
    }
    const grant = new provider.Grant({ clientId: row.client_id, accountId: row.subject });
    const oidc = row.scopes.filter((one) => (oidcScopes as readonly string[]).includes(one));
    if (oidc.length > 0) grant.addOIDCScope(oidc.join(' '));
    for (const resource of row.resources) {
      const known = await resources.find(db, resource);
      const scopes = row.scopes.filter((one) => known?.scopes.includes(one));
      if (scopes.length > 0) grant.addResourceScope(resource, scopes.join(' '));
    }
    for (const detail of row.details) grant.addRar(detail as never);
    await grant.save();
    await provider.backchannelResult(request, grant, {
      ...(row.proof === null
        ? {}
        : {
            acr: row.proof.acr,
            amr: row.proof.amr,
            authTime: Math.floor(Date.parse(row.proof.auth_time) / 1000),
          }),
      ...(row.details.length === 0 ? {} : { rar: row.details as never }),
    });
  };

  /** False when it was decided or over. Its item is locked first, as by who answers it. */
  const takeBack = async (
    tx: Transaction,
    call: Call,
    row: ApprovalRow,
    by: 'client' | 'operator',
  ): Promise<boolean> => {
    await requireAsker().withdraw(tx, call, { id: row.id, org_id: row.org_id, by });
    if (!(await approvalsStore.withdraw(tx.db, row.id, clock.now()))) return false;
    if (row.kind === 'ciba')
      await within(tx, call, row.org_id, () => settleCiba(tx.db, { ...row, state: 'withdrawn' }));
    tx.audit({
      action: 'oauth.approvals.withdraw',
      target_type: 'approval',
      target_id: row.id,
      org_id: row.org_id,
      details: { client_id: row.client_id },
    });
    return true;
  };

  const ended = (): AppError =>
    new AppError('item_closed', 'The request has ended; your decision was not used.', {
      extensions: { item_status: 'expired', current_status: 'expired', answered_by: null },
    });

  return {
    /** Registered once, while the app is built, by the module that shows questions to people. */
    onAsked: (shows: ApprovalAsker): void => {
      asker = shows;
    },

    /** Counts a request of a client, before anything is looked up for it. */
    admit: async (client_id: string): Promise<Refused | null> => {
      const hit = await limiter.hit({ bucket: 'oauth.approval', key: client_id, limit: 30, window_ms: minute });
      return hit.allowed ? null : { retry_after_s: Math.max(1, Math.ceil(hit.retry_after_ms / 1000)) };
    },

    /** Whom a hint means: an id or a verified address; without one the owner of the agent that asks. Null for nobody. */
    whom: async (facts: ClientFacts, hint: string | undefined): Promise<AskedPerson | null> => {
      const scope = currentScope();
      const owner = async (): Promise<string | null> => {
        if (facts.agent === null) return null;
        const { id, org_id, kind } = facts.agent;
        return (await identity.callerOf({ org_id, kind, id }))?.owner_id ?? null;
      };
      const named = async (text: string): Promise<string | null> =>
        isUuid(text)
          ? ((await scope.run((db) => identity.subjects.profile(db, text)))?.id ?? null)
          : await scope.run((db) => identity.subjects.byVerifiedEmail(db, text.slice(0, 320)));
      const id = hint === undefined ? await owner() : await named(hint);
      if (id === null) return null;
      const org_id = await orgFor(facts, id);
      return org_id !== null && (await canDecide(id, org_id)) ? { id, org_id } : null;
    },

    /** Whether a person may be asked once more now, by this client and by all. Ends with the transaction. */
    room: async (client_id: string, person: AskedPerson): Promise<Refused | null> => {
      const now = clock.now();
      const counted = await currentScope().write((tx) =>
        approvalsStore.countOpen(tx.db, { subject: person.id, client_id }, now),
      );
      if (counted.all >= mostOpen.of_person || counted.of_client >= mostOpen.of_client) return { retry_after_s: 60 };
      const key = `${client_id}|${person.id}`;
      const hit = await limiter.hit({ bucket: 'oauth.approval_person', key, limit: 20, window_ms: hour });
      return hit.allowed ? null : { retry_after_s: Math.max(1, Math.ceil(hit.retry_after_ms / 1000)) };
    },

    /** Stores the request and shows it to the person, in the transaction of the client's request. */
    open: async (asked: NewApproval): Promise<{ id: string; expires_at: Date }> => {
      const scope = currentScope();
      const created_at = clock.now();
      const row = {
        id: newId(),
        created_at,
        expires_at: new Date(created_at.getTime() + asked.expires_in_s * 1000),
      };
      const { kind, id_hash, person, facts, details, scopes, binding_message } = asked;
      const body = { client_id: facts.client_id, subject: person.id, kind, expires_at: row.expires_at.toISOString() };
      await scope.write(async (tx) => {
        await approvalsStore.insert(tx.db, {
          ...row,
          ...{ kind, id_hash, details, scopes, resources: asked.resources, binding_message },
          ...{ client_id: facts.client_id, org_id: person.org_id, subject: person.id },
        });
        tx.emit({ kind: oauthEvents.approvalRequested, id: row.id, org_id: person.org_id, body });
        tx.audit({
          action: 'oauth.approvals.request',
          target_type: 'approval',
          target_id: row.id,
          org_id: person.org_id,
          details: body,
        });
        await requireAsker().ask(tx, scope.call, await question(tx.db, { ...asked, ...row }));
      });
      return row;
    },

    /** Whether what was approved may still be given: its client and its person may have gone since. */
    stillStands: async (row: ApprovalRow): Promise<boolean> => await canDecide(row.subject, row.org_id),

    /** The client takes its question back; false when it was decided or over. */
    withdraw: async (row: ApprovalRow): Promise<boolean> => {
      const scope = currentScope();
      return await scope.write((tx) => takeBack(tx, scope.call, row, 'client'));
    },

    /** An operator ends it, in their own transaction; false when it was decided or over. */
    cancel: (tx: Transaction, call: Call, row: ApprovalRow): Promise<boolean> => takeBack(tx, call, row, 'operator'),

    /**
     * The answer of the person asked, in the transaction that closes the question. It counts only with a fresh proof of
     * who they are (RFC 9470), and once.
     */
    decide: async (tx: Transaction, call: Call, decision: { id: string; approved: boolean }): Promise<void> => {
      await identity.requireFresh(call);
      const { caller } = call;
      const found = await identity.sessionProof(caller.credential.id!);
      const proof = found === null ? null : { ...found, auth_time: found.auth_time.toISOString() };
      const row = await approvalsStore.decide(
        tx.db,
        { id: decision.id, subject: caller.id, org_id: caller.org_id },
        { state: decision.approved ? 'approved' : 'denied', proof },
        clock.now(),
      );
      if (row === null) throw ended();
      if ((await clients.facts(tx.db, row.client_id)) === null) throw ended();
      if (row.kind === 'ciba') await within(tx, call, row.org_id, () => settleCiba(tx.db, row));
      const body = { client_id: row.client_id, subject: row.subject, kind: row.kind, decision: row.state };
      tx.emit({ kind: oauthEvents.approvalDecided, id: row.id, org_id: row.org_id, body });
      tx.audit({
        action: 'oauth.approvals.decide',
        target_type: 'approval',
        target_id: row.id,
        org_id: row.org_id,
        details: { ...body, acr: proof?.acr ?? null },
      });
    },
  };
};

export type ApprovalsService = ReturnType<typeof createApprovalsService>;
