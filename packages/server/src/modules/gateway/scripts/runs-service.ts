import {
  hasScope,
  type OutputOf,
  type ParsedInputOf,
  type ScriptRun,
  type scriptRunsList,
  type scriptRunsOutput,
  type scriptRunsStream,
  type scriptsRun,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import type { IdWaiters } from '../../../platform/events/id-waiters.ts';
import type { StreamAnswer } from '../../../platform/operations/binding.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { givenValues } from './parameters.ts';
import { cancelled } from './run-ending.ts';
import type { RunQueue } from './run-queue.ts';
import { runsStore } from './runs-store.ts';
import type { ScriptFiles } from './script-files.ts';
import { emitRun, scriptEvents, seesAll, startedBy } from './scripts-events.ts';
import type { ScriptsParts } from './scripts-parts.ts';
import type { RunRow, ScriptRow } from './scripts-rows.ts';
import { scriptsStore } from './scripts-store.ts';
import { requireEnabled } from './service-checks.ts';

const streamParts = 200;
/** How long a reader of another process can be late when an event is missed. */
const lookMs = 1500;

export const runView = (row: RunRow): ScriptRun => ({
  ...{ id: row.id, script_id: row.script_id, script_name: row.script_name, state: row.state, reason: row.reason },
  ...{ detail: row.detail, dry_run: row.dry_run, approval: row.approval, approver_id: row.approver_id },
  ...{ parameters: row.parameters, runner: row.runner, exit_code: row.exit_code, timeout_s: row.timeout_s },
  ...{ output_bytes: row.output_bytes, output_cut: row.output_cut, chain_run_id: row.chain_run_id },
  ...{ position: row.position, schedule_id: row.schedule_id, due_at: row.due_at?.toISOString() ?? null },
  started_by: { type: row.started_by_type, id: row.started_by_id, name: row.started_by_name },
  created_at: row.created_at.toISOString(),
  started_at: row.started_at?.toISOString() ?? null,
  ended_at: row.ended_at?.toISOString() ?? null,
});

export const isOpen = ({ state }: Pick<RunRow, 'state'>): boolean => state === 'pending' || state === 'running';

export const requireScopes = (caller: Pick<Caller, 'scopes'>, script: ScriptRow): void => {
  const missing = script.scopes.find((scope) => !hasScope(caller.scopes, scope as never));
  if (missing === undefined) return;
  throw new AppError('insufficient_scope', `The token lacks the scope ${missing}, which ${script.name} asks for.`, {
    extensions: { error: 'insufficient_scope', required: missing },
  });
};

/** Only the file that an operator agreed to may be asked for. It is looked at once more when its turn comes. */
export const requireAgreed = async (files: ScriptFiles, script: ScriptRow): Promise<void> => {
  const file = await files.read(script.path);
  if (file.digest === script.digest) return;
  throw new AppError(
    'script_changed',
    `The file of ${script.name} is not the one that an operator agreed to. An operator has to confirm the change.`,
    { extensions: { digest: script.digest, found_digest: file.digest } },
  );
};

/** What runs, what ran, and what it wrote. */
export const createRunsService = (parts: ScriptsParts, files: ScriptFiles, queue: RunQueue, changes: IdWaiters) => {
  const { database } = parts;

  const mine = async ({ caller }: Call, id: string): Promise<RunRow> => {
    const row = await runsStore.find(database.read, caller.org_id, id);
    if (row === null || !(seesAll(caller) || startedBy(caller, row.started_by_id))) throw notFound('The run');
    return row;
  };

  /** The run as it is when it ends, when the time is over, or when the client leaves. */
  const awaitEnd = async (call: Call, id: string, wait_s: number): Promise<RunRow> => {
    const until = performance.now() + wait_s * 1000;
    call.waits?.begin();
    try {
      for (;;) {
        const change = changes.next(id, Math.max(0, Math.min(lookMs, until - performance.now())), call.signal);
        const row = (await runsStore.byId(database.read, id))!;
        if (!isOpen(row) || performance.now() >= until || call.signal.aborted) return row;
        await change;
      }
    } finally {
      call.waits?.end();
    }
  };

  const start = async (
    call: Call,
    { id, parameters, wait_s }: ParsedInputOf<typeof scriptsRun>,
    dry_run: boolean,
  ): Promise<ScriptRun> => {
    requireEnabled(parts);
    const { caller } = call;
    const found = await scriptsStore.find(database.read, caller.org_id, id);
    if (found === null) throw notFound('The script');
    requireScopes(caller, found);
    givenValues(found.parameters, parameters);
    await queue.requireApprover(caller.org_id, found.approver_id);
    await requireAgreed(files, found);
    const run = await database.transaction(call, async (tx) => {
      const script = await scriptsStore.lock(tx.db, caller.org_id, id);
      if (script === null) throw notFound('The script');
      await queue.requireRoom(tx, caller.org_id, 1);
      const values = givenValues(script.parameters, parameters);
      return runView(await queue.submit(tx, call, { script, values, dry_run, by: actorOf(caller) }));
    });
    return wait_s === 0 ? run : runView(await awaitEnd(call, run.id, wait_s));
  };

  /** Ends one that waits, or asks the process that runs it to end it. In the open transaction. */
  const cancelRow = async (tx: Transaction, call: Call, row: RunRow): Promise<void> => {
    if (row.state === 'pending') return await queue.end(tx, call, row, cancelled(`${call.caller.name} ended it.`));
    await runsStore.requestCancel(tx.db, row.id);
    emitRun(tx, scriptEvents.cancelRequested, row);
  };

  return {
    run: (call: Call, input: ParsedInputOf<typeof scriptsRun>) => start(call, input, false),
    dryRun: (call: Call, input: ParsedInputOf<typeof scriptsRun>) => start(call, input, true),
    cancelRow,

    list: async (call: Call, input: ParsedInputOf<typeof scriptRunsList>) => {
      requireEnabled(parts);
      const { caller } = call;
      const { script_id = null, chain_run_id = null, schedule_id = null, state = null, limit, cursor } = input;
      const filter = { script_id, chain_run_id, schedule_id, state, started_by: seesAll(caller) ? null : caller.id };
      const page = { limit: limit + 1, after: timePosition(cursor) };
      const rows = await runsStore.page(database.read, caller.org_id, filter, page);
      return toPage(rows, limit, ({ created_at, id }) => ({ value: created_at, id }), runView);
    },

    get: async (call: Call, id: string): Promise<ScriptRun> => {
      requireEnabled(parts);
      return runView(await mine(call, id));
    },

    output: async (
      call: Call,
      { id, after, limit }: ParsedInputOf<typeof scriptRunsOutput>,
    ): Promise<OutputOf<typeof scriptRunsOutput>> => {
      requireEnabled(parts);
      // The state first: whatever is written before the end is there to be read after it.
      const { state } = await mine(call, id);
      const rows = await runsStore.output(database.read, id, after, limit + 1);
      const kept = rows.slice(0, limit);
      return {
        parts: kept.map((row) => ({ ...row, at: row.at.toISOString() })),
        next: kept.at(-1)?.seq ?? after,
        more: rows.length > limit,
        state,
      };
    },

    stream: async (call: Call, { id, since }: ParsedInputOf<typeof scriptRunsStream>): Promise<StreamAnswer> => {
      requireEnabled(parts);
      let row = await mine(call, id);
      const { signal } = call;
      async function* events(): AsyncGenerator<{ event: string; id?: string; data: string }> {
        let after = Number(since ?? 0);
        let told: string | null = null;
        while (!signal.aborted) {
          const stop = new AbortController();
          const change = changes.next(id, lookMs, AbortSignal.any([signal, stop.signal]));
          try {
            const now = await runsStore.byId(database.read, id);
            if (now === null) return;
            row = now;
            if (told !== row.state) {
              told = row.state;
              if (isOpen(row)) yield { event: 'state', data: JSON.stringify(runView(row)) };
            }
            const found = await runsStore.output(database.read, id, after, streamParts);
            for (const { at, ...part } of found) {
              after = part.seq;
              yield { event: 'output', id: String(part.seq), data: JSON.stringify({ ...part, at: at.toISOString() }) };
            }
            if (found.length === streamParts) continue;
            if (!isOpen(row)) return yield { event: 'state', data: JSON.stringify(runView(row)) };
            await change;
          } finally {
            stop.abort();
          }
        }
      }
      return { events: events() };
    },

    cancel: async (call: Call, id: string): Promise<ScriptRun> => {
      requireEnabled(parts);
      await mine(call, id);
      return await database.transaction(call, async (tx) => {
        await runsStore.lockQueue(tx.db);
        const row = (await runsStore.lock(tx.db, id))!;
        if (!isOpen(row))
          throw new AppError('script_run_ended', `The run has ended: ${row.state}.`, {
            extensions: { state: row.state },
          });
        await cancelRow(tx, call, row);
        tx.audit({
          ...{ action: 'script_runs.cancel', target_type: 'script_run', target_id: id },
          details: { script: row.script_name },
        });
        return runView((await runsStore.byId(tx.db, id))!);
      });
    },

    /** The answer of the person asked, in the transaction that closes the question. */
    decide: async (tx: Transaction, call: Call, { id, approved }: { id: string; approved: boolean }): Promise<void> => {
      await runsStore.lockQueue(tx.db);
      const row = await runsStore.lock(tx.db, id);
      const { caller } = call;
      const waits = row?.org_id === caller.org_id && row.state === 'pending' && row.approval === 'waiting';
      if (!waits || row.approver_id !== caller.id)
        throw new AppError('item_closed', 'The run has ended; your decision was not used.', {
          extensions: { item_status: 'expired', current_status: 'expired', answered_by: null },
        });
      await runsStore.setApproval(tx.db, id, approved ? 'approved' : 'rejected');
      const decided: RunRow = { ...row, approval: approved ? 'approved' : 'rejected' };
      tx.audit({
        ...{ action: 'script_runs.decide', target_type: 'script_run', target_id: id },
        details: { script: row.script_name, approved },
      });
      if (approved) return await queue.makeReady(tx, call, decided);
      await queue.end(tx, call, decided, { ...cancelled(`${caller.name} did not agree to it.`), reason: 'rejected' });
    },
  };
};

export type RunsService = ReturnType<typeof createRunsService>;
