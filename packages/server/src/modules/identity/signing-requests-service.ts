import { randomUUID } from 'node:crypto';
import { type SigningRequestView, signingInput, signingPayload, toBase64, verifyMessage } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { agentKeysStore } from './agent-keys-store.ts';
import { agentsStore } from './agents-store.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { type SigningRequestRow, signingRequestsStore } from './signing-requests-store.ts';

const lifeMs = 300_000;
const pendingAtMost = 20;
const batch = 200;

const nextStep = (row: SigningRequestRow): string => {
  switch (row.status) {
    case 'pending':
      return `${row.decision === 'approved' ? 'The person behind you approved it. ' : ''}Sign the bytes of signing_input with your key and hand the signature in before ${row.expires_at.toISOString()}.`;
    case 'completed':
      return row.valid === true ? 'Done.' : 'The signature was not by your key over these bytes. Prepare it again.';
    case 'declined':
      return 'The person behind you declined it; no signature is taken. Ask them before you prepare it again.';
    case 'expired':
      return 'No signature came in time. Prepare it again.';
  }
};

const shown = async (row: SigningRequestRow): Promise<SigningRequestView> => ({
  id: row.id,
  request_id: row.id,
  agent_id: row.agent_id,
  message: row.message,
  nonce: row.nonce,
  signing_payload: signingPayload(row.message, row.nonce),
  signing_input: toBase64(await signingInput(row.message, row.nonce)),
  status: row.status,
  signature: row.signature,
  valid: row.valid,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
  completed_at: row.completed_at?.toISOString() ?? null,
  decision: row.decision,
  decided_at: row.decided_at?.toISOString() ?? null,
  next_step: nextStep(row),
});

/** Messages that an agent has asked to sign. The server keeps the question; the key stays with the agent. */
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
      const { agent_id } = expired;
      tx.emit({ kind: identityEvents.signingExpired, id, body: { agent_id } });
      tx.audit({
        ...{ action: 'signing_requests.expire', target_type: 'signing_request', target_id: id },
        details: { agent_id },
      });
    });
  };

  return {
    create: async (call: Call, input: { message: string }) => {
      const { org_id, id: agent_id } = call.caller;
      await requireGuess(limiter, 'signing', agent_id, options.agent_keys.signing);
      const row = await transact(call, 'signing_requests.create', async (tx) => {
        const now = clock.now();
        // The row lock under which what waits is counted.
        const agent = await agentsStore.lock(tx.db, org_id, agent_id, now);
        if (agent === null || agent.fingerprint === null) throw new AppError('agent_key_missing');
        if ((await signingRequestsStore.countPending(tx.db, org_id, agent_id, now)) >= pendingAtMost)
          throw new AppError('signing_limit', undefined, { extensions: { limit: pendingAtMost } });
        const id = newId();
        const workflow_id = `signing-${id}`;
        const expires_at = new Date(now.getTime() + lifeMs);
        const { message } = input;
        await signingRequestsStore.insert(tx.db, {
          ...{ id, org_id, agent_id, message, nonce: randomUUID(), workflow_id, created_at: now, expires_at },
        });
        tx.enqueue({
          ...{ name: 'expire-signing-request', id: workflow_id, run_at: expires_at },
          args: { org_id, request_id: id },
        });
        const body = { agent_id, expires_at: expires_at.toISOString() };
        tx.emit({ kind: identityEvents.signingRequested, id, body });
        tx.audit({ action: 'signing_requests.create', target_type: 'signing_request', target_id: id });
        if (agent.owner_id !== null) {
          const asks = { id: agent_id, name: agent.name };
          const request = { id, org_id, agent: asks, person_id: agent.owner_id, message, expires_at };
          for (const hook of hooks.signingRequested) await hook(tx, request, call);
        }
        return (await signingRequestsStore.find(tx.db, org_id, agent_id, id, now))!;
      });
      return shown(row);
    },

    list: async (
      call: Call,
      input: { status?: readonly string[] | undefined; count?: boolean; limit: number; cursor?: string | undefined },
    ) => {
      const { org_id, id: agent_id } = call.caller;
      const filter = { org_id, agent_id, status: input.status ?? null, now: clock.now() };
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
      const { org_id, id } = call.caller;
      const row = await signingRequestsStore.find(database.read, org_id, id, input.request_id, clock.now());
      if (row === null) throw notFound('The signing request');
      return shown(row);
    },

    /** Whether it is good is found out in the transaction that takes it: there is no moment between the two. */
    sign: async (call: Call, input: { request_id: string; signature: string }) => {
      const { org_id, id: agent_id } = call.caller;
      const { request_id: id, signature } = input;
      const row = await transact(call, 'signing_requests.sign', async (tx) => {
        const at = clock.now();
        for (const hook of hooks.signingSettling) await hook(tx, { id, org_id }, call);
        const asked = await signingRequestsStore.lock(tx.db, org_id, agent_id, id, at);
        if (asked === null) throw notFound('The signing request');
        if (asked.status === 'declined') throw new AppError('signing_request_declined');
        if (asked.status === 'completed') throw new AppError('signing_request_already_completed');
        if (asked.status === 'expired') throw new AppError('signing_request_expired');
        const key = await agentKeysStore.currentOf(tx.db, org_id, agent_id);
        if (key === null) throw new AppError('agent_key_missing');
        const valid = await verifyMessage(key.public_key, asked.message, asked.nonce, signature);
        const done = { signature, valid, fingerprint: key.fingerprint, at };
        if (!(await signingRequestsStore.complete(tx.db, org_id, id, done)))
          throw new AppError('signing_request_already_completed');
        tx.emit({ kind: identityEvents.signingCompleted, id, body: { agent_id, valid } });
        tx.audit({
          ...{ action: 'signing_requests.sign', target_type: 'signing_request', target_id: id },
          details: { valid, fingerprint: key.fingerprint },
        });
        return (await signingRequestsStore.find(tx.db, org_id, agent_id, id, at))!;
      });
      return shown(row);
    },

    expire,

    /** Its one person answered. A declined request takes no signature; an approved one waits for its agent as before. */
    decide: async (tx: Transaction, call: Call, { id, approved }: { id: string; approved: boolean }): Promise<void> => {
      const { org_id, id: person } = call.caller;
      const at = clock.now();
      const asked = await signingRequestsStore.lockOfOwner(tx.db, org_id, person, id, at);
      if (asked === null) throw notFound('The signing request');
      if (asked.status !== 'pending' || asked.decision !== null)
        throw new AppError('item_closed', 'The signing request has ended; your decision was not used.', {
          extensions: { item_status: 'expired', current_status: 'expired', answered_by: null },
        });
      const decision = approved ? 'approved' : 'declined';
      await signingRequestsStore.decide(tx.db, org_id, id, decision, at);
      const { agent_id } = asked;
      tx.emit({ kind: identityEvents.signingDecided, id, body: { agent_id, decision } });
      tx.audit({
        ...{ action: 'signing_requests.decide', target_type: 'signing_request', target_id: id },
        details: { agent_id, decision },
      });
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
