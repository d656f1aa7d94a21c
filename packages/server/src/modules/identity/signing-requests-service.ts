import { randomUUID } from 'node:crypto';
import {
  normaliseFingerprint,
  type SigningRequestView,
  signingInput,
  signingPayload,
  toBase64,
  verifyMessage,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { agentKeysStore } from './agent-keys-store.ts';
import { agentsStore } from './agents-store.ts';
import { credentialsStore } from './credentials-store.ts';
import { currentCaller } from './current-caller.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import type { HookSigning, HookSigningEnd } from './identity-hooks.ts';
import { requirePermission } from './identity-policy.ts';
import { personalKeysStore } from './personal-keys-store.ts';
import { type Signer, type SigningRequestRow, signingRequestsStore } from './signing-requests-store.ts';

const lifeMs = 300_000;
const pendingAtMost = 20;
const batch = 200;

const nextStep = (row: SigningRequestRow): string => {
  const personal = row.user_id !== null;
  switch (row.status) {
    case 'pending':
      if (personal) return `The person signs in their browser, until ${row.expires_at.toISOString()}. Look again then.`;
      return `${row.decision === 'approved' ? 'The person behind you approved it. ' : ''}Sign the bytes of signing_input with your key and hand the signature in before ${row.expires_at.toISOString()}.`;
    case 'completed':
      if (row.valid === true) return 'Done.';
      return personal
        ? 'The signature was not by the key of the person over these bytes. Ask again.'
        : 'The signature was not by your key over these bytes. Prepare it again.';
    case 'declined':
      if (personal) return 'The person declined it; no signature is taken. Talk to them before you ask again.';
      return 'The person behind you declined it; no signature is taken. Ask them before you prepare it again.';
    case 'expired':
      return `No signature came in time. ${personal ? 'Ask' : 'Prepare it'} again.`;
    case 'cancelled':
      return 'It was taken back; no signature is taken.';
  }
};

const signerOf = ({ org_id, id, kind }: Caller): Signer => ({ org_id, id, kind: kind === 'user' ? 'person' : 'agent' });

/** Only the browser that holds the key signs for a person: whoever has a key or token of theirs does not. */
const requireBrowser = (caller: Caller): void => {
  if (caller.kind !== 'user' || caller.credential.kind === 'session') return;
  throw new AppError(
    'permission_denied',
    'A person signs in the browser that holds their key: open the request there. A key, a token or the command line does not do.',
    { extensions: { error: 'permission denied', required: 'credential:session' } },
  );
};

const requireOpen = ({ status }: SigningRequestRow): void => {
  if (status === 'declined') throw new AppError('signing_request_declined');
  if (status === 'cancelled') throw new AppError('signing_request_cancelled');
  if (status === 'completed') throw new AppError('signing_request_already_completed');
  if (status === 'expired') throw new AppError('signing_request_expired');
};

/** Whom an event is about, for whoever filters it. */
const about = ({ agent_id, user_id, asker_id }: Pick<SigningRequestRow, 'agent_id' | 'user_id' | 'asker_id'>) =>
  user_id === null ? { agent_id } : { user_id, asker_id };

const shown = async (row: SigningRequestRow): Promise<SigningRequestView> => ({
  id: row.id,
  request_id: row.id,
  agent_id: row.agent_id,
  person_id: row.user_id,
  asked_by:
    row.asker_type === null
      ? null
      : { type: row.asker_type, id: row.asker_id, name: row.asker_name ?? 'Somebody gone' },
  message: row.message,
  nonce: row.nonce,
  signing_payload: signingPayload(row.message, row.nonce),
  signing_input: toBase64(await signingInput(row.message, row.nonce)),
  status: row.status,
  signature: row.signature,
  valid: row.valid,
  fingerprint: row.fingerprint,
  public_key: row.public_key,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
  completed_at: row.completed_at?.toISOString() ?? null,
  decision: row.decision,
  decided_at: row.decided_at?.toISOString() ?? null,
  next_step: nextStep(row),
});

/** Messages that an agent or a person is to sign. The server keeps the question; the key stays with whoever signs. */
export const createSigningRequestsService = ({
  clock,
  database,
  hooks,
  limiter,
  options,
  transact,
}: IdentityContext) => {
  const expire = (org_id: string, id: string): Promise<void> => {
    const call = internalCall(systemCaller({ id: org_id }), newId());
    return transact(call, 'signing_requests.expire', async (tx) => {
      const expired = await signingRequestsStore.expire(tx.db, org_id, id, clock.now());
      if (expired === null) return;
      tx.emit({ kind: identityEvents.signingExpired, id, body: about(expired) });
      tx.audit({
        ...{ action: 'signing_requests.expire', target_type: 'signing_request', target_id: id },
        details: about(expired),
      });
    });
  };

  /** The row, its timer, its event and its line in the trail: the same whoever signs. */
  const insert = async (
    tx: Transaction,
    call: Call,
    message: string,
    who: { agent_id: string } | { user_id: string; asker_type: HookSigning['asker']['type']; asker_id: string },
    asked: { asker: HookSigning['asker']; person_id: string | null },
  ): Promise<SigningRequestRow> => {
    const { org_id } = call.caller;
    const now = clock.now();
    const id = newId();
    const workflow_id = `signing-${id}`;
    const expires_at = new Date(now.getTime() + lifeMs);
    await signingRequestsStore.insert(tx.db, {
      ...{ ...who, id, org_id, message, nonce: randomUUID(), workflow_id, created_at: now, expires_at },
    });
    tx.enqueue({
      ...{ name: 'expire-signing-request', id: workflow_id, run_at: expires_at },
      args: { org_id, request_id: id },
    });
    const row = (await signingRequestsStore.find(tx.db, signerOf(call.caller), id, now))!;
    const body = { ...about(row), expires_at: expires_at.toISOString() };
    tx.emit({ kind: identityEvents.signingRequested, id, body });
    tx.audit({ action: 'signing_requests.create', target_type: 'signing_request', target_id: id });
    const { asker, person_id } = asked;
    if (person_id !== null) {
      const signer = row.user_id === null ? 'agent' : 'person';
      const request = { id, org_id, asker, signer, person_id, message, expires_at } as const;
      for (const hook of hooks.signingRequested) await hook(tx, request, call);
    }
    return row;
  };

  const askPerson = (call: Call, person: string, message: string): Promise<SigningRequestRow> =>
    transact(call, 'signing_requests.create', async (tx) => {
      const caller = await currentCaller(tx, call.caller);
      if (caller.kind === 'system') throw notFound('The person');
      // It becomes an item in the inbox of somebody.
      requirePermission(caller, 'items.write');
      const { org_id, id, name, kind: type } = caller;
      if ((await credentialsStore.principal(tx.db, org_id, 'user', person)) === null) throw notFound('The person');
      if ((await personalKeysStore.countActive(tx.db, person)) === 0) throw new AppError('personal_key_missing');
      if ((await signingRequestsStore.countAsked(tx.db, { org_id, id }, clock.now())) >= pendingAtMost)
        throw new AppError('signing_limit', undefined, { extensions: { limit: pendingAtMost } });
      const who = { user_id: person, asker_type: type, asker_id: id };
      return insert(tx, call, message, who, { asker: { id, name, type }, person_id: person });
    });

  const prepare = (call: Call, message: string): Promise<SigningRequestRow> =>
    transact(call, 'signing_requests.create', async (tx) => {
      const { org_id, id: agent_id } = call.caller;
      const now = clock.now();
      // The row lock under which what waits is counted.
      const agent = await agentsStore.lock(tx.db, org_id, agent_id, now);
      if (agent === null || agent.fingerprint === null) throw new AppError('agent_key_missing');
      if ((await signingRequestsStore.countPending(tx.db, signerOf(call.caller), now)) >= pendingAtMost)
        throw new AppError('signing_limit', undefined, { extensions: { limit: pendingAtMost } });
      const asker = { id: agent_id, name: agent.name, type: 'agent' } as const;
      return insert(tx, call, message, { agent_id }, { asker, person_id: agent.owner_id });
    });

  /** The key that the signature must be by; one of a person is held, so that it is not revoked meanwhile. */
  const keyOf = async (
    tx: Transaction,
    { org_id, id, kind }: Signer,
    fingerprint: string | undefined,
    at: Date,
  ): Promise<{ public_key: string; fingerprint: string }> => {
    if (kind === 'agent') {
      const key = await agentKeysStore.currentOf(tx.db, org_id, id);
      if (key === null) throw new AppError('agent_key_missing');
      return key;
    }
    if (fingerprint === undefined) throw invalid('fingerprint', 'says by which of your keys it is signed');
    const key = await personalKeysStore.lockActive(tx.db, id, normaliseFingerprint(fingerprint));
    if (key === null) throw new AppError('personal_key_missing');
    await personalKeysStore.markUsed(tx.db, id, key.id, at);
    return key;
  };

  const decideIn = async (
    tx: Transaction,
    asked: SigningRequestRow,
    decision: 'approved' | 'declined',
    at: Date,
  ): Promise<void> => {
    const { id, org_id } = asked;
    await signingRequestsStore.decide(tx.db, org_id, id, decision, at);
    const details = { ...about(asked), decision };
    tx.emit({ kind: identityEvents.signingDecided, id, body: details });
    tx.audit({ action: 'signing_requests.decide', target_type: 'signing_request', target_id: id, details });
  };

  /** A request that nobody has settled, held so that only this transaction does: by its signer, or by whoever asked. */
  const holdOpen = async (
    tx: Transaction,
    call: Call,
    id: string,
    why: HookSigningEnd['why'],
    at: Date,
  ): Promise<SigningRequestRow> => {
    const by = signerOf(call.caller);
    for (const hook of hooks.signingSettling) await hook(tx, { id, org_id: by.org_id, why }, call);
    const lock = why === 'cancelled' ? signingRequestsStore.lockAsked : signingRequestsStore.lock;
    const asked = await lock(tx.db, by, id, at);
    if (asked === null) throw notFound('The signing request');
    requireOpen(asked);
    return asked;
  };

  return {
    create: async (call: Call, input: { message: string; person?: string | undefined }) => {
      const { message, person } = input;
      await requireGuess(limiter, 'signing', call.caller.id, options.agent_keys.signing);
      return shown(await (person === undefined ? prepare(call, message) : askPerson(call, person, message)));
    },

    list: async (
      call: Call,
      input: {
        status?: readonly string[] | undefined;
        asked?: boolean;
        count?: boolean;
        limit: number;
        cursor?: string | undefined;
      },
    ) => {
      const { status = null, asked = false } = input;
      const filter = { of: signerOf(call.caller), asked, status, now: clock.now() };
      const page = { after: timePosition(input.cursor), limit: input.limit + 1 };
      const rows = await signingRequestsStore.page(database.read, { ...filter, ...page });
      const total = input.count === true ? await signingRequestsStore.count(database.read, filter) : null;
      const { items, next_cursor } = toPage(
        rows,
        input.limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => row,
      );
      return { items: await Promise.all(items.map(shown)), next_cursor, total };
    },

    get: async (call: Call, input: { request_id: string }) => {
      const of = signerOf(call.caller);
      const row = await signingRequestsStore.find(database.read, of, input.request_id, clock.now());
      if (row === null) throw notFound('The signing request');
      return shown(row);
    },

    /** Whether it is good is found out in the transaction that takes it: there is no moment between the two. */
    sign: async (call: Call, input: { request_id: string; signature: string; fingerprint?: string | undefined }) => {
      const signer = signerOf(call.caller);
      const { org_id } = signer;
      const { request_id: id, signature } = input;
      const row = await transact(call, 'signing_requests.sign', async (tx) => {
        requireBrowser(call.caller);
        // Somebody who was switched off a moment ago signs nothing.
        if (signer.kind === 'person') await currentCaller(tx, call.caller);
        const at = clock.now();
        const asked = await holdOpen(tx, call, id, 'signed', at);
        const key = await keyOf(tx, signer, input.fingerprint, at);
        const valid = await verifyMessage(key.public_key, asked.message, asked.nonce, signature);
        const done = { signature, valid, fingerprint: key.fingerprint, at };
        if (!(await signingRequestsStore.complete(tx.db, org_id, id, done)))
          throw new AppError('signing_request_already_completed');
        tx.emit({ kind: identityEvents.signingCompleted, id, body: { ...about(asked), valid } });
        tx.audit({
          ...{ action: 'signing_requests.sign', target_type: 'signing_request', target_id: id },
          details: { valid, fingerprint: key.fingerprint },
        });
        return (await signingRequestsStore.find(tx.db, signer, id, at))!;
      });
      return shown(row);
    },

    /** The person who was to sign does not. */
    decline: async (call: Call, input: { request_id: string }) => {
      const signer = signerOf(call.caller);
      const id = input.request_id;
      const row = await transact(call, 'signing_requests.decline', async (tx) => {
        const at = clock.now();
        const asked = await holdOpen(tx, call, id, 'declined', at);
        await decideIn(tx, asked, 'declined', at);
        return (await signingRequestsStore.find(tx.db, signer, id, at))!;
      });
      return shown(row);
    },

    /** Whoever asked a person takes it back. */
    cancel: async (call: Call, input: { request_id: string }) => {
      const of = signerOf(call.caller);
      const { org_id } = of;
      const id = input.request_id;
      const row = await transact(call, 'signing_requests.cancel', async (tx) => {
        const at = clock.now();
        const asked = await holdOpen(tx, call, id, 'cancelled', at);
        await signingRequestsStore.cancel(tx.db, org_id, id, at);
        tx.emit({ kind: identityEvents.signingCancelled, id, body: about(asked) });
        tx.audit({ action: 'signing_requests.cancel', target_type: 'signing_request', target_id: id });
        return (await signingRequestsStore.find(tx.db, of, id, at))!;
      });
      return shown(row);
    },

    expire,

    /**
     * Its one person answered in the inbox. A declined request takes no signature; an approved one waits for its agent as before.
     * Who is to sign it themselves approves by nothing but a signature.
     */
    decide: async (tx: Transaction, call: Call, { id, approved }: { id: string; approved: boolean }): Promise<void> => {
      const { org_id, id: person } = call.caller;
      const at = clock.now();
      const asked = await signingRequestsStore.lockForDecision(tx.db, org_id, person, id, at);
      if (asked === null) throw notFound('The signing request');
      if (asked.status !== 'pending' || asked.decision !== null)
        throw new AppError('item_closed', 'The signing request has ended; your decision was not used.', {
          extensions: { item_status: 'expired', current_status: 'expired', answered_by: null },
        });
      if (approved && asked.user_id !== null)
        throw new AppError('signing_request_unsigned', undefined, { extensions: { request_id: id } });
      await decideIn(tx, asked, approved ? 'approved' : 'declined', at);
    },

    /** Ends what no job ended: after a lost queue. */
    sweepDue: async (): Promise<void> => {
      for (;;) {
        const due = await signingRequestsStore.due(database.read, clock.now(), batch);
        for (const { org_id, id } of due) await expire(org_id, id);
        if (due.length < batch) return;
      }
    },
  };
};

export type SigningRequestsService = ReturnType<typeof createSigningRequestsService>;
