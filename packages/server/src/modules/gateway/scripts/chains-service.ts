import type {
  Actor,
  ParsedInputOf,
  ScriptChain,
  ScriptChainRun,
  scriptChainRunsList,
  scriptChainsCreate,
  scriptChainsList,
  scriptChainsUpdate,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../../platform/operations/caller.ts';
import { textPosition, timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { chainsStore, type RunOfChain } from './chains-store.ts';
import { type GivenValues, givenValues } from './parameters.ts';
import type { RunQueue } from './run-queue.ts';
import { type RunsService, requireAgreed, requireScopes } from './runs-service.ts';
import { runsStore } from './runs-store.ts';
import type { ScriptFiles } from './script-files.ts';
import { byOf, scriptEvents, seesAll, startedBy } from './scripts-events.ts';
import { type ScriptsParts, stepPlace } from './scripts-parts.ts';
import type { ChainRow, ChainRunRow, ScriptRow, StepRow } from './scripts-rows.ts';
import { scriptsStore } from './scripts-store.ts';
import { seal, unseal } from './sealing.ts';
import { inUse, namedOnce, requireEnabled, requireVersion } from './service-checks.ts';

type StepInput = ParsedInputOf<typeof scriptChainsCreate>['steps'][number];

const viewOf = (row: ChainRow, steps: readonly StepRow[]): ScriptChain => ({
  ...{ id: row.id, name: row.name, description: row.description, version: row.version },
  steps: steps.map(({ script_id, script_name, parameters, on_failure }) => ({
    ...{ script_id, script_name, parameters, on_failure },
  })),
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

const runViewOf = (row: ChainRunRow, runs: readonly RunOfChain[]): ScriptChainRun => ({
  ...{ id: row.id, chain_id: row.chain_id, chain_name: row.chain_name, state: row.state, steps: row.steps },
  ...{ failed_steps: row.failed_steps, schedule_id: row.schedule_id, due_at: row.due_at?.toISOString() ?? null },
  runs: runs.map(({ id, position, script_name, state }) => ({ id, position, script_name, state })),
  started_by: { type: row.started_by_type, id: row.started_by_id, name: row.started_by_name },
  created_at: row.created_at.toISOString(),
  ended_at: row.ended_at?.toISOString() ?? null,
});

/** Scripts one after another. */
export const createChainsService = (
  parts: ScriptsParts,
  files: ScriptFiles,
  queue: RunQueue,
  runs: Pick<RunsService, 'cancelRow'>,
) => {
  const { database, clock } = parts;

  const shown = async (orgId: string, id: string): Promise<ScriptChain> => {
    const row = await chainsStore.find(database.read, orgId, id);
    if (row === null) throw notFound('The chain');
    return viewOf(row, (await chainsStore.steps(database.read, [id])).get(id) ?? []);
  };

  const shownRun = async (db: Transaction['db'] | typeof database.read, row: ChainRunRow): Promise<ScriptChainRun> =>
    runViewOf(row, (await chainsStore.runsOf(db, [row.id])).get(row.id) ?? []);

  const myRun = async ({ caller }: Call, id: string): Promise<ChainRunRow> => {
    const row = await chainsStore.findRun(database.read, caller.org_id, id);
    if (row === null || !(seesAll(caller) || startedBy(caller, row.started_by_id)))
      throw notFound('The run of the chain');
    return row;
  };

  const writeSteps = async (
    tx: Transaction,
    chain: Pick<ChainRow, 'id' | 'org_id'>,
    steps: readonly StepInput[],
    before: readonly StepRow[],
  ): Promise<void> => {
    const scripts = await scriptsStore.findMany(
      tx.db,
      chain.org_id,
      steps.map(({ script_id }) => script_id),
    );
    const rows = steps.map((step, index) => {
      const script = scripts.get(step.script_id);
      if (script === undefined) throw notFound(`The script of step ${index + 1}`);
      const position = index + 1;
      const former = before.find((one) => one.position === position && one.script_id === step.script_id);
      const kept = unseal(parts, former?.secrets ?? null, stepPlace(chain.id, position));
      const values = givenValues(script.parameters, step.parameters, { kept, path: `steps.${index}.parameters` });
      return {
        ...{ chain_id: chain.id, org_id: chain.org_id, position, script_id: script.id, parameters: values.shown },
        ...{ secrets: seal(parts, values.secrets, stepPlace(chain.id, position)), on_failure: step.on_failure },
      };
    });
    await chainsStore.replaceSteps(tx.db, chain.id, rows);
  };

  const tell = (tx: Transaction, row: Pick<ChainRow, 'id' | 'org_id' | 'name'>, action: string): void => {
    tx.emit({ kind: scriptEvents.chainChanged, id: row.id, org_id: row.org_id, body: { name: row.name } });
    tx.audit({ action, target_type: 'script_chain', target_id: row.id, details: { name: row.name } });
  };

  /** Everything that must hold before a chain begins, for it would be late to learn of it at step three. */
  const prepare = async (caller: Pick<Caller, 'scopes'>, chain: ChainRow) => {
    const steps = (await chainsStore.steps(database.read, [chain.id])).get(chain.id) ?? [];
    const scripts = await scriptsStore.findMany(
      database.read,
      chain.org_id,
      steps.map(({ script_id }) => script_id),
    );
    const ready: { script: ScriptRow; values: GivenValues; step: StepRow }[] = [];
    for (const step of steps) {
      const script = scripts.get(step.script_id)!;
      requireScopes(caller, script);
      await requireAgreed(files, script);
      const kept = unseal(parts, step.secrets, stepPlace(chain.id, step.position));
      const path = `steps.${step.position - 1}.parameters`;
      ready.push({ script, step, values: givenValues(script.parameters, step.parameters, { kept, path }) });
    }
    return ready;
  };

  const begin = async (
    tx: Transaction,
    call: Call,
    chain: ChainRow,
    ready: Awaited<ReturnType<typeof prepare>>,
    by: Actor,
    schedule: { id: string; due_at: Date } | null,
  ): Promise<ChainRunRow> => {
    await queue.requireRoom(tx, chain.org_id, ready.length);
    const row: ChainRunRow = {
      ...{ id: newId(), org_id: chain.org_id, chain_id: chain.id, chain_name: chain.name, state: 'running' },
      ...{ steps: ready.length, failed_steps: 0, schedule_id: schedule?.id ?? null, due_at: schedule?.due_at ?? null },
      ...{ started_by_type: by.type, started_by_id: by.id, started_by_name: by.name },
      ...{ created_at: clock.now(), ended_at: null },
    };
    await chainsStore.insertRun(tx.db, row);
    tx.emit({
      ...{ kind: scriptEvents.chainStarted, id: row.id, org_id: row.org_id },
      body: { chain_id: chain.id, chain: chain.name, ...byOf(row) },
    });
    tx.audit({
      ...{ action: 'script_chains.run', target_type: 'script_chain', target_id: chain.id, org_id: chain.org_id },
      details: { name: chain.name, chain_run_id: row.id },
    });
    const written = [];
    for (const { script, values, step } of ready)
      written.push(
        await queue.submit(tx, call, {
          ...{ script, values, dry_run: false, by },
          chain: { run_id: row.id, position: step.position, on_failure: step.on_failure },
        }),
      );
    if (written[0] !== undefined) await queue.makeReady(tx, call, written[0]);
    return row;
  };

  return {
    prepare,
    begin,

    list: async (call: Call, { limit, cursor }: ParsedInputOf<typeof scriptChainsList>) => {
      requireEnabled(parts);
      const page = { limit: limit + 1, after: textPosition(cursor) };
      const rows = await chainsStore.page(database.read, call.caller.org_id, page);
      const steps = await chainsStore.steps(
        database.read,
        rows.map(({ id }) => id),
      );
      return toPage(
        rows,
        limit,
        ({ name, id }) => ({ value: name, id }),
        (row) => viewOf(row, steps.get(row.id) ?? []),
      );
    },

    get: async (call: Call, id: string): Promise<ScriptChain> => {
      requireEnabled(parts);
      return await shown(call.caller.org_id, id);
    },

    create: async (call: Call, input: ParsedInputOf<typeof scriptChainsCreate>): Promise<ScriptChain> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      const by = actorOf(call.caller);
      const act = database.transaction(call, async (tx) => {
        const at = clock.now();
        const row: ChainRow = {
          ...{ id: newId(), org_id, name: input.name, description: input.description, version: 1 },
          ...{
            created_by_type: by.type,
            created_by_id: by.id,
            created_by_name: by.name,
            created_at: at,
            updated_at: at,
          },
        };
        await chainsStore.insert(tx.db, row);
        await writeSteps(tx, row, input.steps, []);
        tell(tx, row, 'script_chains.create');
        return viewOf(row, (await chainsStore.steps(tx.db, [row.id])).get(row.id) ?? []);
      });
      return await namedOnce('chain', act);
    },

    update: async (call: Call, input: ParsedInputOf<typeof scriptChainsUpdate>): Promise<ScriptChain> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      const act = database.transaction(call, async (tx) => {
        const row = await chainsStore.lock(tx.db, org_id, input.id);
        if (row === null) throw notFound('The chain');
        requireVersion(row, input.version);
        const next = { ...row, name: input.name ?? row.name, description: input.description ?? row.description };
        await chainsStore.update(tx.db, row.id, next, clock.now());
        if (input.steps !== undefined)
          await writeSteps(tx, row, input.steps, (await chainsStore.steps(tx.db, [row.id])).get(row.id) ?? []);
        tell(tx, next, 'script_chains.update');
      });
      await namedOnce('chain', act);
      return await shown(org_id, input.id);
    },

    remove: async (call: Call, id: string): Promise<null> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      return await database.transaction(call, async (tx) => {
        const row = await chainsStore.lock(tx.db, org_id, id);
        if (row === null) throw notFound('The chain');
        const names = await chainsStore.neededBy(tx.db, org_id, id);
        if (names.length > 0) throw inUse(row.name, names);
        await chainsStore.remove(tx.db, org_id, id);
        tell(tx, row, 'script_chains.delete');
        return null;
      });
    },

    run: async (call: Call, id: string): Promise<ScriptChainRun> => {
      requireEnabled(parts);
      const { caller } = call;
      const chain = await chainsStore.find(database.read, caller.org_id, id);
      if (chain === null) throw notFound('The chain');
      const ready = await prepare(caller, chain);
      return await database.transaction(call, async (tx) =>
        shownRun(tx.db, await begin(tx, call, chain, ready, actorOf(caller), null)),
      );
    },

    listRuns: async (call: Call, input: ParsedInputOf<typeof scriptChainRunsList>) => {
      requireEnabled(parts);
      const { chain_id = null, limit, cursor } = input;
      const { caller } = call;
      const filter = { chain_id, started_by: seesAll(caller) ? null : caller.id };
      const page = { limit: limit + 1, after: timePosition(cursor) };
      const rows = await chainsStore.pageRuns(database.read, caller.org_id, filter, page);
      const of = await chainsStore.runsOf(
        database.read,
        rows.map(({ id }) => id),
      );
      return toPage(
        rows,
        limit,
        ({ created_at, id }) => ({ value: created_at, id }),
        (row) => runViewOf(row, of.get(row.id) ?? []),
      );
    },

    getRun: async (call: Call, id: string): Promise<ScriptChainRun> => {
      requireEnabled(parts);
      return await shownRun(database.read, await myRun(call, id));
    },

    cancelRun: async (call: Call, id: string): Promise<ScriptChainRun> => {
      requireEnabled(parts);
      await myRun(call, id);
      return await database.transaction(call, async (tx) => {
        await runsStore.lockQueue(tx.db);
        const row = (await chainsStore.lockRun(tx.db, id))!;
        if (row.state !== 'running')
          throw new AppError('script_run_ended', `The chain has ended: ${row.state}.`, {
            extensions: { state: row.state },
          });
        // Ended first, so that none of its steps is followed by another.
        await queue.endChain(tx, row, 'cancelled');
        for (const step of await runsStore.openOfChainRun(tx.db, id)) await runs.cancelRow(tx, call, step);
        tx.audit({
          ...{ action: 'script_chain_runs.cancel', target_type: 'script_chain_run', target_id: id },
          details: { name: row.chain_name },
        });
        return await shownRun(tx.db, (await chainsStore.lockRun(tx.db, id))!);
      });
    },
  };
};

export type ChainsService = ReturnType<typeof createChainsService>;
