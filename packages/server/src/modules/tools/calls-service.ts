import { createHmac } from 'node:crypto';
import {
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
  type ToolCallRow,
  type ToolResultView,
  type toolCallsList,
  toolLimits,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import type { IdWaiters } from '../../platform/events/id-waiters.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { actorOf, type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { unstorableMembers } from '../../platform/operations/storable-input.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { type CallEnding, callsStore } from './calls-store.ts';
import { definitionsStore } from './definitions-store.ts';
import { canonical } from './fingerprint.ts';
import { manages, offeredName, personBehind, policyFor, seesCall, stateOf, toolEvents } from './policy.ts';
import type { ToolResult } from './result-limit.ts';
import { serversStore } from './servers-store.ts';
import { callPlace, type ToolCallAsker, type ToolsParts } from './tools-parts.ts';
import type { CallRow, CallState, OfferedRow, ServerRow } from './tools-rows.ts';
import { UpstreamError } from './upstreams/upstream-error.ts';
import type { UpstreamHub } from './upstreams/upstream-hub.ts';

export const toolCallJob = 'run-tool-call';
const askedMs = 86_400_000;
const approvedMs = 15 * 60_000;
const graceMs = 15_000;
const resultKeptMs = 86_400_000;
const mostWaiting = 200;
/** How long a wait can be late when an event is missed. */
const lookMs = 1500;
const noteMs = 10_000;

export interface Asked {
  tool: string;
  arguments: Record<string, unknown>;
  wait_ms: number;
}

/** How a call stands when its caller is answered. */
export interface CallOutcome {
  row: CallRow;
  /** Null while it waits or runs. */
  result: ToolResult | null;
}

const openStates: readonly CallState[] = ['waiting', 'approved', 'running'];
export const isOpen = ({ state }: Pick<CallRow, 'state'>): boolean => openStates.includes(state);

export const callView = (row: CallRow): ToolCallRow => ({
  ...{ id: row.id, server_id: row.server_id, server_slug: row.server_slug, tool_id: row.tool_id, tool: row.tool },
  ...{ fingerprint: row.fingerprint, state: row.state, reason: row.reason, detail: row.detail, policy: row.policy },
  approver_id: row.approver_id,
  by: { type: row.by_type, id: row.by_id, name: row.by_name },
  ...{ door: row.door, argument_bytes: row.argument_bytes, arguments: row.arguments },
  ...{ result_bytes: row.result_bytes, cut: row.cut, duration_ms: row.duration_ms },
  created_at: row.created_at.toISOString(),
  started_at: row.started_at?.toISOString() ?? null,
  ended_at: row.ended_at?.toISOString() ?? null,
});

const ending = (state: CallState, reason: string | null, detail: string | null = null): CallEnding => ({
  ...{ state, reason, detail, result_bytes: null, cut: false, sealed_result: null },
});

const systemCall = (orgId: string): Call => internalCall(systemCaller({ id: orgId }), newId());

/** A name at /mcp as name space and rest; null for any other. */
const partsOf = (name: string): { slug: string; rest: string } | null => {
  const at = name.indexOf('__');
  return at < 1 ? null : { slug: name.slice(0, at), rest: name.slice(at + 2) };
};

const changedError = (row: OfferedRow, found: string | null): AppError =>
  new AppError(
    'tool_definition_changed',
    row.approved_fingerprint === null
      ? `Nobody has approved the definition of ${offeredName(row)} yet.`
      : `The definition of ${offeredName(row)} is not the one that was approved. Somebody who manages tools has to approve it.`,
    { extensions: { tool: row.id, fingerprint: row.approved_fingerprint, found_fingerprint: found } },
  );

/** Calls of tools: policy, audit, the person who is asked, and the upstream. */
export const createCallsService = (parts: ToolsParts, hub: UpstreamHub, changes: IdWaiters) => {
  const { database, clock, secrets } = parts;
  let asker: ToolCallAsker | null = null;
  const later = (ms: number): Date => new Date(clock.now().getTime() + ms);

  const digestOf = (caller: Caller, tool: OfferedRow, args: unknown): string =>
    createHmac('sha256', parts.digest_key)
      .update(canonical([caller.org_id, caller.kind, caller.id, tool.id, tool.approved_fingerprint, args]))
      .digest('hex');

  const rowOf = (call: Call, tool: OfferedRow, server: ServerRow, args: Record<string, unknown>): CallRow => {
    const { caller } = call;
    const { type, id: by, name } = actorOf(caller);
    return {
      ...{ id: newId(), org_id: caller.org_id, server_id: server.id, server_slug: server.slug, tool_id: tool.id },
      ...{
        tool: offeredName(tool),
        fingerprint: tool.approved_fingerprint,
        state: 'running',
        reason: null,
        detail: null,
      },
      ...{
        policy: policyFor(tool, caller),
        approver_id: null,
        by_type: type,
        by_id: by,
        by_name: name,
        door: call.door,
      },
      argument_bytes: Buffer.byteLength(JSON.stringify(args)),
      arguments_digest: digestOf(caller, tool, args),
      arguments: server.keep_arguments ? args : null,
      ...{ sealed_arguments: null, sealed_result: null, result_bytes: null, cut: false, delivered: false },
      ...{ holder: parts.holder, overdue_at: later(server.timeout_s * 1000 + graceMs), duration_ms: null },
      ...{ created_at: clock.now(), started_at: clock.now(), ended_at: null },
    };
  };

  const told = (row: CallRow) => ({ tool: row.tool, tool_id: row.tool_id, server_id: row.server_id, by: row.by_id });

  const audit = (tx: Transaction, action: string, row: CallRow, details: object): void =>
    tx.audit({
      ...{ action, target_type: 'tool_call', target_id: row.id, org_id: row.org_id },
      details: { tool: row.tool, by: row.by_id, ...details },
    });

  /** Writes how it ended, once. */
  const end = async (tx: Transaction, call: Call, row: CallRow, how: CallEnding): Promise<void> => {
    if (!(await callsStore.end(tx.db, row.id, how, clock.now()))) return;
    if (row.state === 'waiting') await asker?.withdraw(tx, call, { id: row.id, org_id: row.org_id });
    const body = { ...told(row), state: how.state, reason: how.reason };
    tx.emit({ kind: toolEvents.callEnded, id: row.id, org_id: row.org_id, body });
    const { state, reason, result_bytes, cut } = how;
    audit(tx, 'tools.call', row, { state, reason, result_bytes, cut, fingerprint: row.fingerprint });
  };

  /** A call that is not made leaves a row as well. */
  const refuse = async (call: Call, row: CallRow, reason: string, error: AppError): Promise<never> => {
    const at = clock.now();
    const refused: CallRow = {
      ...{ ...row, state: 'refused', reason, detail: error.message.slice(0, 500), holder: null, overdue_at: null },
      ...{ started_at: null, ended_at: at },
    };
    await database.transaction(call, async (tx) => {
      await callsStore.insert(tx.db, refused);
      const body = { ...told(refused), state: 'refused', reason };
      tx.emit({ kind: toolEvents.callEnded, id: row.id, org_id: row.org_id, body });
      audit(tx, 'tools.call', refused, { state: 'refused', reason });
    });
    throw new AppError(error.code, error.message, { extensions: { ...error.extensions, call_id: row.id } });
  };

  const failureOf = (row: CallRow, server: ServerRow, error: UpstreamError): { how: CallEnding; error: AppError } => {
    const extensions = { call_id: row.id, server: server.slug };
    if (error.reason === 'sign_in_needed') {
      const connect = `${parts.public_url()}/tools/servers/${server.id}`;
      return {
        how: ending('failed', 'sign_in_needed'),
        error: new AppError(
          'tool_sign_in_needed',
          `${server.name} acts for a person, who has to sign in there: open ${connect} and choose "Sign in".`,
          { extensions: { ...extensions, connect } },
        ),
      };
    }
    const state = error.reason === 'timeout' ? 'timeout' : error.reason === 'cancelled' ? 'cancelled' : 'failed';
    const detail = error.reason === 'timeout' ? `It gave no answer within ${server.timeout_s} s.` : error.message;
    return {
      how: ending(state, error.reason, detail.slice(0, 500)),
      error: new AppError('tool_server_unavailable', `${server.name}: ${detail}`, { extensions }),
    };
  };

  /** The call itself, of a row that is `running`. Its end is written whatever happens. */
  const perform = async (
    call: Call,
    row: CallRow,
    of: { tool: OfferedRow; server: ServerRow; caller: Caller; args: Record<string, unknown>; keep: boolean },
  ): Promise<ToolResult> => {
    const { tool, server, caller, args, keep } = of;
    const person = server.auth === 'oauth_person' ? personBehind(caller) : null;
    const finish = (how: CallEnding) => database.transaction(call, (tx) => end(tx, call, row, how));
    try {
      const { performCall } = await import('./upstreams/perform-call.ts');
      const done = await performCall(hub, {
        server,
        person,
        tool,
        args,
        signal: call.signal,
        onprogress: call.progress,
      });
      if (done.kind === 'changed') {
        const error = changedError(tool, done.found);
        await finish(ending('refused', 'definition_changed', error.message));
        throw error;
      }
      const { result, bytes, cut } = done.limited;
      const text = keep ? secrets.encrypt(JSON.stringify(result), callPlace(row.id)) : null;
      await finish({
        ...ending(result.isError === true ? 'failed' : 'succeeded', result.isError === true ? 'tool_error' : null),
        ...{ result_bytes: bytes, cut, sealed_result: text },
      });
      return { ...result, _meta: { ...result._meta, 'atrium/call': row.id } };
    } catch (thrown) {
      if (!(thrown instanceof UpstreamError)) throw thrown;
      const { how, error } = failureOf(row, server, thrown);
      await finish(how);
      throw error;
    }
  };

  const approverFor = async (caller: Caller, server: ServerRow): Promise<string | null> => {
    const able = async (id: string | null) =>
      id !== null && (await asker?.canDecide(caller.org_id, id)) === true ? id : null;
    // Whoever was named is the one: nobody else decides instead.
    if (server.approver_id !== null) return await able(server.approver_id);
    return (
      (await able(personBehind(caller))) ??
      (await able(server.created_by_type === 'user' ? server.created_by_id : null))
    );
  };

  /** Joins a call that waits already, or asks. */
  const ask = async (call: Call, row: CallRow, server: ServerRow, args: Record<string, unknown>) => {
    const { caller } = call;
    const approver = await approverFor(caller, server);
    if (approver === null) return await refuse(call, row, 'no_approver', new AppError('tool_no_approver'));
    return await database.transaction(call, async (tx) => {
      await callsStore.lockSame(tx.db, row.arguments_digest);
      const same = await callsStore.same(tx.db, caller.id, row.arguments_digest);
      if (same !== null) return same;
      if ((await callsStore.countWaiting(tx.db, caller.org_id)) >= mostWaiting)
        throw new AppError('too_many_waits', `${mostWaiting} calls of this organisation wait for people already.`);
      const waiting: CallRow = {
        ...{
          ...row,
          state: 'waiting',
          approver_id: approver,
          holder: null,
          started_at: null,
          overdue_at: later(askedMs),
        },
        sealed_arguments: secrets.encrypt(JSON.stringify(args), callPlace(row.id)),
      };
      await callsStore.insert(tx.db, waiting);
      await asker!.ask(tx, call, {
        ...{ id: row.id, org_id: row.org_id, person_id: approver, tool: row.tool, server: server.name },
        ...{ asked_by: row.by_name, arguments: args, expires_at: waiting.overdue_at! },
      });
      tx.emit({ kind: toolEvents.callWaiting, id: row.id, org_id: row.org_id, body: told(row) });
      audit(tx, 'tools.ask', waiting, { approver_id: approver });
      return waiting;
    });
  };

  const kept = (row: CallRow): ToolResult | null =>
    row.sealed_result === null
      ? null
      : (JSON.parse(secrets.decrypt(row.sealed_result, callPlace(row.id))) as ToolResult);

  /** What a call that waited came to, for whoever made it. */
  const delivered = async (row: CallRow): Promise<CallOutcome> => {
    if (isOpen(row)) return { row, result: null };
    const result = kept(row);
    if (result !== null) {
      await callsStore.setDelivered(database.read, row.id);
      return { row, result: { ...result, _meta: { ...result._meta, 'atrium/call': row.id } } };
    }
    const extensions = { call_id: row.id, reason: row.reason };
    const detail = row.detail ?? `The call ended: ${row.state}.`;
    if (row.state === 'refused' && row.reason === 'definition_changed')
      throw new AppError('tool_definition_changed', detail, { extensions });
    if (['denied', 'expired', 'cancelled', 'refused'].includes(row.state))
      throw new AppError('tool_denied', detail, { extensions });
    throw new AppError('tool_server_unavailable', detail, { extensions });
  };

  const awaitEnd = async (call: Call, id: string, wait_ms: number): Promise<CallRow> => {
    const began = performance.now();
    let noted = began;
    call.waits?.begin();
    try {
      for (;;) {
        const left = began + wait_ms - performance.now();
        const change = changes.next(id, Math.max(0, Math.min(lookMs, left)), call.signal);
        const row = await callsStore.find(database.read, id);
        if (row === null) throw notFound('The call');
        if (!isOpen(row) || left <= 0 || call.signal.aborted) return row;
        if (performance.now() - noted > noteMs) {
          noted = performance.now();
          call.progress({
            progress: Math.round((noted - began) / 1000),
            message: 'A person is asked whether this may be done.',
          });
        }
        await change;
      }
    } finally {
      call.waits?.end();
    }
  };

  const find = async (call: Call, name: string): Promise<OfferedRow | null> => {
    const split = partsOf(name);
    if (split === null) return null;
    const row = await definitionsStore.byOfferedName(database.read, call.caller.org_id, split.slug, split.rest);
    return row === null || !row.enabled || !row.listed || stateOf(row) === 'gone' ? null : row;
  };

  const mine = async ({ caller }: Call, id: string): Promise<CallRow> => {
    const row = await callsStore.find(database.read, id);
    if (row === null || row.org_id !== caller.org_id || !seesCall(caller, row)) throw notFound('The call');
    return row;
  };

  return {
    onAsked: (shows: ToolCallAsker): void => {
      asker = shows;
    },
    asker: (): ToolCallAsker | null => asker,

    /** A tool of this name that could be called by somebody; what of it the caller may, `invoke` decides. */
    exists: async (call: Call, name: string): Promise<boolean> => (await find(call, name)) !== null,

    invoke: async (call: Call, { tool: name, arguments: args, wait_ms }: Asked): Promise<CallOutcome> => {
      const { caller } = call;
      const tool = await find(call, name);
      const server = tool === null ? null : await serversStore.find(database.read, caller.org_id, tool.server_id);
      if (tool === null || server === null) throw notFound(`The tool ${name.slice(0, 100)}`);
      if (Buffer.byteLength(JSON.stringify(args)) > toolLimits.arguments_bytes)
        throw invalid('arguments', `must have at most ${toolLimits.arguments_bytes} bytes`);
      const errors = unstorableMembers(args);
      if (errors.length > 0) throw new AppError('validation_failed', 'The arguments cannot be kept.', { errors });
      const row = rowOf(call, tool, server, args);
      if (row.policy === 'deny') {
        const error = new AppError('tool_denied', `The policy forbids ${row.tool}.`, {
          extensions: { reason: 'policy' },
        });
        return await refuse(call, row, 'policy', error);
      }
      if (stateOf(tool) !== 'approved')
        return await refuse(call, row, 'definition_changed', changedError(tool, tool.found_fingerprint));
      if (row.policy === 'ask') {
        const asked = await ask(call, row, server, args);
        return await delivered(isOpen(asked) ? await awaitEnd(call, asked.id, wait_ms) : asked);
      }
      // Written before it is made: a call that a crash cut off is in the list as well.
      await database.transaction(call, (tx) => callsStore.insert(tx.db, row));
      const result = await perform(call, row, { tool, server, caller, args, keep: false });
      return { row: (await callsStore.find(database.read, row.id)) ?? row, result };
    },

    list: async (call: Call, input: ParsedInputOf<typeof toolCallsList>): Promise<OutputOf<typeof toolCallsList>> => {
      const { caller } = call;
      const { server_id = null, tool_id = null, state = null, by_id = null, limit, cursor } = input;
      if (!manages(caller) && by_id !== null && by_id !== caller.id) return { items: [], next_cursor: null };
      const filter = { server_id, tool_id, state, by_id: manages(caller) ? by_id : caller.id };
      const page = { limit: limit + 1, after: timePosition(cursor) };
      const rows = await callsStore.page(database.read, caller.org_id, filter, page);
      return toPage(rows, limit, ({ created_at, id }) => ({ value: created_at, id }), callView);
    },

    get: async (call: Call, id: string): Promise<ToolResultView> => {
      const row = await mine(call, id);
      // What a tool answered is for whoever asked it, not for those who look after tools.
      const result = row.by_id === call.caller.id ? kept(row) : null;
      if (result !== null) await callsStore.setDelivered(database.read, id);
      return { call: callView(row), result: resultView(result) };
    },

    cancel: async (call: Call, id: string): Promise<ToolCallRow> => {
      await mine(call, id);
      return await database.transaction(call, async (tx) => {
        const row = (await callsStore.lock(tx.db, id))!;
        if (row.state !== 'waiting')
          throw new AppError('tool_call_ended', `The call does not wait any more: ${row.state}.`, {
            extensions: { state: row.state },
          });
        await end(tx, call, row, ending('cancelled', 'taken_back', `${call.caller.name} took it back.`));
        return callView((await callsStore.find(tx.db, id))!);
      });
    },

    /** The answer of the person asked, in the transaction that closes the question. */
    decide: async (tx: Transaction, call: Call, { id, approved }: { id: string; approved: boolean }): Promise<void> => {
      const row = await callsStore.lock(tx.db, id);
      const { caller } = call;
      if (row?.org_id !== caller.org_id || row.state !== 'waiting' || row.approver_id !== caller.id)
        throw new AppError('item_closed', 'The call has ended; your decision was not used.', {
          extensions: { item_status: 'expired', current_status: 'expired', answered_by: null },
        });
      audit(tx, 'tool_calls.decide', row, { approved });
      tx.emit({ kind: toolEvents.callDecided, id, org_id: row.org_id, body: { ...told(row), approved } });
      if (!approved) {
        const detail = `${caller.name} did not agree to it.`;
        // The question is closed by the very answer.
        return await end(tx, call, { ...row, state: 'approved' }, ending('denied', 'rejected', detail));
      }
      await callsStore.setDecided(tx.db, id, later(approvedMs));
      tx.enqueue({ name: toolCallJob, id: `tool-call-${id}`, args: { id } });
    },

    /** Makes a call that a person agreed to. When an earlier run of the job was cut off, nobody knows what it did: it ends. */
    run: async (id: string): Promise<void> => {
      const row = await callsStore.find(database.read, id);
      if (row === null || (row.state !== 'approved' && row.state !== 'running')) return;
      const call = systemCall(row.org_id);
      const close = (how: CallEnding) => database.transaction(call, (tx) => end(tx, call, row, how));
      if (row.state === 'running') return await close(interrupted());
      const caller = row.by_id === null ? null : await parts.principalIn(row.org_id, row.by_id);
      const tool = row.tool_id === null ? null : await definitionsStore.find(database.read, row.org_id, row.tool_id);
      const server = row.server_id === null ? null : await serversStore.find(database.read, row.org_id, row.server_id);
      if (caller === null || !hasPermission(caller.permissions, 'tools.use'))
        return await close(ending('refused', 'permission', 'Whoever called may not use tools any more.'));
      if (tool === null || server === null || !server.enabled || !tool.listed)
        return await close(ending('refused', 'gone', 'The tool is not offered any more.'));
      if (stateOf(tool) !== 'approved' || tool.approved_fingerprint !== row.fingerprint)
        return await close(ending('refused', 'definition_changed', changedError(tool, tool.found_fingerprint).message));
      if (policyFor(tool, caller) === 'deny')
        return await close(ending('refused', 'policy', `The policy forbids ${row.tool} now.`));
      const overdue = later(server.timeout_s * 1000 + graceMs);
      if (!(await callsStore.begin(database.read, id, parts.holder, clock.now(), overdue))) return;
      const args = JSON.parse(secrets.decrypt(row.sealed_arguments!, callPlace(id))) as Record<string, unknown>;
      try {
        await perform(call, { ...row, state: 'running' }, { tool, server, caller, args, keep: true });
      } catch (error) {
        // Its end is written; whoever waits reads it there.
        if (!(error instanceof AppError)) throw error;
      }
    },

    /** Ends what nobody goes on with: questions that nobody answered, calls whose process died. */
    repair: async (): Promise<void> => {
      for (const { id, org_id } of await callsStore.overdue(database.read, clock.now())) {
        const call = systemCall(org_id);
        await database.transaction(call, async (tx) => {
          const row = await callsStore.lock(tx.db, id);
          if (row === null || row.overdue_at === null || row.overdue_at > clock.now()) return;
          const waited = ending('expired', 'not_approved', 'Nobody agreed to it within a day.');
          await end(tx, call, row, row.state === 'waiting' ? waited : interrupted());
        });
      }
    },

    serverGoing: async (tx: Transaction, call: Call, serverId: string): Promise<void> => {
      for (const row of await callsStore.unbegunOf(tx.db, serverId))
        await end(tx, call, row, ending('refused', 'gone', 'The MCP server was removed.'));
    },

    prune: (): Promise<void> => {
      const before = (ms: number) => new Date(clock.now().getTime() - ms);
      return callsStore.prune(database.read, before(parts.settings().calls_kept_ms), before(resultKeptMs));
    },
  };
};

const interrupted = (): CallEnding =>
  ending(
    'interrupted',
    'interrupted',
    'The server was stopped while the call was made; whether the tool did its work is not known.',
  );

export const resultView = (result: ToolResult | null): ToolResultView['result'] =>
  result === null
    ? null
    : {
        content: result.content,
        structured_content: result.structuredContent ?? null,
        is_error: result.isError === true,
      };

export type CallsService = ReturnType<typeof createCallsService>;
