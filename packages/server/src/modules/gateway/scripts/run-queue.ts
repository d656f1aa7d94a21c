import type { Actor } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, invalid } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { chainsStore } from './chains-store.ts';
import type { GivenValues } from './parameters.ts';
import { failed, type RunEnding } from './run-ending.ts';
import { runsStore } from './runs-store.ts';
import { byOf, emitRun, scriptEvents } from './scripts-events.ts';
import { type RunApprovalAsker, runPlace, type ScriptsParts } from './scripts-parts.ts';
import type { ChainRunRow, FailureRule, RunRow, ScriptRow } from './scripts-rows.ts';
import { seal } from './sealing.ts';

export const runJob = 'run-script';
const mostOpen = 100;
export const mostRunning = 4;
export const approvalMs = 86_400_000;

export interface Submission {
  script: ScriptRow;
  values: GivenValues;
  dry_run: boolean;
  /** As whom it counts. */
  by: Actor;
  chain?: { run_id: string; position: number; on_failure: FailureRule };
  schedule?: { id: string; due_at: Date };
}

/** What waits, what may begin, and what follows when something has ended. All in the transaction that is given. */
export const createRunQueue = (parts: ScriptsParts) => {
  const { clock } = parts;
  let asker: RunApprovalAsker | null = null;

  const enqueue = (tx: Transaction, id: string, attempt: number): void =>
    tx.enqueue({ name: runJob, id: `script-run-${id}-${attempt}`, args: { id, attempt } });

  const canBeAsked = async (orgId: string, personId: string): Promise<boolean> =>
    asker !== null && (await asker.canDecide(orgId, personId));

  /** Its turn has come: it begins when there is room, or a person is asked first. */
  const makeReady = async (tx: Transaction, call: Call, row: RunRow): Promise<void> => {
    if (row.approver_id === null || row.approval === 'approved') {
      await runsStore.setReady(tx.db, row.id);
      return enqueue(tx, row.id, row.enqueued + 1);
    }
    if (!(await canBeAsked(row.org_id, row.approver_id)))
      return await end(tx, call, row, failed('no_approver', 'Whoever has to agree to it can decide nothing here.'));
    await runsStore.setApproval(tx.db, row.id, 'waiting');
    await asker!.ask(tx, call, {
      ...{ id: row.id, org_id: row.org_id, person_id: row.approver_id, script: row.script_name },
      ...{ asked_by: row.started_by_name, dry_run: row.dry_run, parameters: row.parameters },
      expires_at: new Date(clock.now().getTime() + approvalMs),
    });
  };

  const endChain = async (
    tx: Transaction,
    chain: ChainRunRow,
    state: 'completed' | 'failed' | 'cancelled',
  ): Promise<void> => {
    await chainsStore.endRun(tx.db, chain.id, state, clock.now());
    const body = { chain_id: chain.chain_id, chain: chain.chain_name, state, ...byOf(chain) };
    tx.emit({ kind: scriptEvents.chainEnded, id: chain.id, org_id: chain.org_id, body });
  };

  /** What follows in the chain, now that this step has ended. */
  const advance = async (tx: Transaction, call: Call, row: RunRow, ending: RunEnding): Promise<void> => {
    const chain = await chainsStore.lockRun(tx.db, row.chain_run_id!);
    if (chain?.state !== 'running') return;
    if (ending.state !== 'completed') await chainsStore.countFailure(tx.db, chain.id);
    const rest = await runsStore.openOfChainRun(tx.db, chain.id);
    const halted = ending.state === 'cancelled';
    if (halted || (ending.state !== 'completed' && row.on_failure === 'stop')) {
      await endChain(tx, chain, halted ? 'cancelled' : 'failed');
      for (const step of rest)
        await end(tx, call, step, {
          ...{ state: 'cancelled', reason: 'chain_stopped', exit_code: null },
          detail: `Step ${row.position} of the chain ${halted ? 'was ended' : 'failed'}.`,
        });
      return;
    }
    const [next] = rest;
    if (next === undefined) await endChain(tx, chain, 'completed');
    else await makeReady(tx, call, next);
  };

  const end = async (tx: Transaction, call: Call, row: RunRow, ending: RunEnding): Promise<void> => {
    await runsStore.end(tx.db, row.id, ending, clock.now());
    if (row.approval === 'waiting') await asker?.withdraw(tx, call, { id: row.id, org_id: row.org_id });
    const { state, reason, exit_code } = ending;
    const kind = state === 'completed' ? scriptEvents.completed : scriptEvents.failed;
    emitRun(tx, kind, row, { state, reason, exit_code, dry_run: row.dry_run });
    tx.audit({
      ...{ action: 'script_runs.end', target_type: 'script_run', target_id: row.id, org_id: row.org_id },
      details: { script: row.script_name, state, reason, exit_code },
    });
    if (row.chain_run_id !== null) await advance(tx, call, row, ending);
  };

  return {
    onAsked: (shows: RunApprovalAsker): void => {
      asker = shows;
    },

    /** Refuses a person who could not answer. */
    requireApprover: async (orgId: string, personId: string | null): Promise<void> => {
      if (personId !== null && !(await canBeAsked(orgId, personId)))
        throw invalid('approver_id', 'must be a member of this organisation who may decide items of the inbox');
    },

    requireRoom: async (tx: Transaction, orgId: string, further: number): Promise<void> => {
      if ((await runsStore.openOf(tx.db, orgId)) + further > mostOpen) throw new AppError('script_queue_full');
    },

    /** Writes a run that waits for its turn. */
    submit: async (tx: Transaction, call: Call, submission: Submission): Promise<RunRow> => {
      const { script, values, by, chain, schedule } = submission;
      const id = newId();
      await runsStore.insert(tx.db, {
        ...{ id, org_id: script.org_id, script_id: script.id, script_name: script.name, dry_run: submission.dry_run },
        ...{ approver_id: script.approver_id, parameters: values.shown, digest: script.digest },
        ...{ secrets: seal(parts, values.secrets, runPlace(id)), timeout_s: script.timeout_s },
        ...{ max_parallel: script.max_parallel, chain_run_id: chain?.run_id ?? null },
        ...{ position: chain?.position ?? null, on_failure: chain?.on_failure ?? null },
        ...{ schedule_id: schedule?.id ?? null, due_at: schedule?.due_at ?? null },
        ...{ started_by_type: by.type, started_by_id: by.id, started_by_name: by.name, created_at: clock.now() },
      });
      const row = (await runsStore.byId(tx.db, id))!;
      emitRun(tx, scriptEvents.queued, row, { dry_run: row.dry_run });
      tx.audit({
        ...{ action: row.dry_run ? 'scripts.dry_run' : 'scripts.run', target_type: 'script', target_id: script.id },
        org_id: script.org_id,
        details: {
          ...{ script: script.name, run_id: id, digest: script.digest, parameters: Object.keys(values.shown) },
          ...(chain === undefined ? {} : { chain_run_id: chain.run_id }),
          ...(schedule === undefined ? {} : { schedule_id: schedule.id }),
        },
      });
      if (chain === undefined) await makeReady(tx, call, row);
      return (await runsStore.byId(tx.db, id))!;
    },

    makeReady,
    end,
    endChain,

    /** Gives what waits another job, as far as there is room. */
    startWaiting: async (tx: Transaction, before: Date = clock.now()): Promise<void> => {
      const { all } = await runsStore.running(tx.db, null);
      if (all >= mostRunning) return;
      const taken = await runsStore.takeWaiting(tx.db, mostRunning - all, before);
      for (const { id, enqueued } of taken) enqueue(tx, id, enqueued);
    },
  };
};

export type RunQueue = ReturnType<typeof createRunQueue>;
