import {
  hasPermission,
  type ParsedInputOf,
  type ScriptSchedule,
  type scriptSchedulesCreate,
  type scriptSchedulesList,
  type scriptSchedulesPreview,
  type scriptSchedulesUpdate,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import type { ChainsService } from './chains-service.ts';
import { chainsStore } from './chains-store.ts';
import { lastTimeUntil, nextTime, nextTimes, timingProblem } from './due-times.ts';
import { givenValues } from './parameters.ts';
import type { RunQueue } from './run-queue.ts';
import { requireAgreed } from './runs-service.ts';
import { runsStore } from './runs-store.ts';
import { schedulesStore } from './schedules-store.ts';
import type { ScriptFiles } from './script-files.ts';
import { scriptEvents } from './scripts-events.ts';
import { type ScriptsParts, schedulePlace } from './scripts-parts.ts';
import type { ListedSchedule, ScheduleRow } from './scripts-rows.ts';
import { scriptsStore } from './scripts-store.ts';
import { seal, unseal } from './sealing.ts';
import { namedOnce, requireEnabled, requireVersion } from './service-checks.ts';

const shownTimes = 5;
const dueAtOnce = 100;

const requireTiming = (timing: { cron: string; time_zone: string }): void => {
  const problem = timingProblem(timing);
  if (problem !== null) throw invalid(problem.path, problem.message);
};

/** Scripts and chains at times. */
export const createSchedulesService = (
  parts: ScriptsParts,
  files: ScriptFiles,
  queue: RunQueue,
  chains: Pick<ChainsService, 'prepare' | 'begin'>,
) => {
  const { database, clock } = parts;

  const viewOf = (row: ListedSchedule): ScriptSchedule => ({
    ...{ id: row.id, name: row.name, script_id: row.script_id, chain_id: row.chain_id, runs_name: row.runs_name },
    ...{ parameters: row.parameters, cron: row.cron, time_zone: row.time_zone, paused: row.paused },
    paused_reason: row.paused_reason,
    next_times: row.paused ? [] : nextTimes(row, clock.now(), shownTimes).map((at) => at.toISOString()),
    last_due_at: row.last_due_at?.toISOString() ?? null,
    ...{ last_outcome: row.last_outcome, last_detail: row.last_detail, version: row.version },
    created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  });

  const shown = async (orgId: string, id: string): Promise<ScriptSchedule> => {
    const row = await schedulesStore.find(database.read, orgId, id);
    if (row === null) throw notFound('The schedule');
    return viewOf(row);
  };

  const tell = (tx: Transaction, row: Pick<ScheduleRow, 'id' | 'org_id' | 'name'>, action: string): void => {
    tx.emit({ kind: scriptEvents.scheduleChanged, id: row.id, org_id: row.org_id, body: { name: row.name } });
    tx.audit({ action, target_type: 'script_schedule', target_id: row.id, details: { name: row.name } });
  };

  const valuesFor = async (
    tx: Transaction,
    row: Pick<ScheduleRow, 'id' | 'org_id' | 'script_id' | 'chain_id' | 'secrets'>,
    given: ScheduleRow['parameters'],
  ): Promise<Pick<ScheduleRow, 'parameters' | 'secrets'>> => {
    if (row.script_id === null) {
      if ((await chainsStore.find(tx.db, row.org_id, row.chain_id!)) === null) throw notFound('The chain');
      if (Object.keys(given).length > 0) throw invalid('parameters', 'belong to the steps of the chain');
      return { parameters: {}, secrets: null };
    }
    const script = await scriptsStore.find(tx.db, row.org_id, row.script_id);
    if (script === null) throw notFound('The script');
    const kept = unseal(parts, row.secrets, schedulePlace(row.id));
    const values = givenValues(script.parameters, given, { kept });
    return { parameters: values.shown, secrets: seal(parts, values.secrets, schedulePlace(row.id)) };
  };

  /** Begins what is due, in the transaction that took the time. */
  const begin = async (tx: Transaction, call: Call, row: ScheduleRow, due_at: Date): Promise<void> => {
    const owner = row.created_by_id === null ? null : await parts.principalIn(row.org_id, row.created_by_id);
    if (owner === null || !hasPermission(owner.permissions, 'scripts.run'))
      throw new AppError('permission_denied', 'Whoever made it may not run scripts any more.');
    const [by, schedule] = [actorOf(owner), { id: row.id, due_at }];
    if (row.script_id !== null) {
      const script = (await scriptsStore.find(tx.db, row.org_id, row.script_id))!;
      await requireAgreed(files, script);
      await queue.requireRoom(tx, row.org_id, 1);
      const kept = unseal(parts, row.secrets, schedulePlace(row.id));
      const values = givenValues(script.parameters, row.parameters, { kept });
      await queue.submit(tx, call, { script, values, dry_run: false, by, schedule });
      return;
    }
    const chain = (await chainsStore.find(tx.db, row.org_id, row.chain_id!))!;
    await chains.begin(tx, call, chain, await chains.prepare({ scopes: ['*'] }, chain), by, schedule);
  };

  const tick = (id: string, orgId: string): Promise<void> => {
    const call = internalCall(systemCaller({ id: orgId }), newId());
    return database.transaction(call, async (tx) => {
      await runsStore.lockQueue(tx.db);
      const row = await schedulesStore.lock(tx.db, orgId, id);
      const now = clock.now();
      if (row === null || row.paused || row.next_due_at === null || row.next_due_at > now) return;
      const due_at = lastTimeUntil(row, row.next_due_at, now);
      let paused_reason: string | null = null;
      if (await schedulesStore.takeDue(tx.db, id, due_at)) {
        if (await runsStore.openOfSchedule(tx.db, id))
          await schedulesStore.setOutcome(tx.db, id, due_at, 'still_running', 'Its last run had not ended.');
        else
          try {
            await begin(tx, call, row, due_at);
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            await schedulesStore.setOutcome(tx.db, id, due_at, 'refused', error.message);
            if (error.code === 'permission_denied') paused_reason = error.message;
          }
      }
      const next_due_at = paused_reason === null ? nextTime(row, now) : null;
      await schedulesStore.advance(tx.db, id, { last_due_at: due_at, next_due_at, paused_reason });
      tx.emit({ kind: scriptEvents.scheduleChanged, id, org_id: orgId, body: { name: row.name } });
    });
  };

  return {
    /** Looks for times that have come. Any process may: a time is taken once. */
    tick: async (): Promise<void> => {
      if (!parts.settings().enabled) return;
      for (const { id, org_id } of await schedulesStore.due(database.read, clock.now(), dueAtOnce)) {
        try {
          await tick(id, org_id);
        } catch (error) {
          parts.onError(error, 'a schedule of scripts could not begin');
        }
      }
    },

    list: async (call: Call, { limit, cursor }: ParsedInputOf<typeof scriptSchedulesList>) => {
      requireEnabled(parts);
      const page = { limit: limit + 1, after: textPosition(cursor) };
      const rows = await schedulesStore.page(database.read, call.caller.org_id, page);
      return toPage(rows, limit, ({ name, id }) => ({ value: name, id }), viewOf);
    },

    get: async (call: Call, id: string): Promise<ScriptSchedule> => {
      requireEnabled(parts);
      return await shown(call.caller.org_id, id);
    },

    preview: async (timing: ParsedInputOf<typeof scriptSchedulesPreview>): Promise<{ next_times: string[] }> => {
      requireEnabled(parts);
      requireTiming(timing);
      return { next_times: nextTimes(timing, clock.now(), shownTimes).map((at) => at.toISOString()) };
    },

    create: async (call: Call, input: ParsedInputOf<typeof scriptSchedulesCreate>): Promise<ScriptSchedule> => {
      requireEnabled(parts);
      requireTiming(input);
      if ((input.script_id === null) === (input.chain_id === null))
        throw invalid('script_id', 'or chain_id is needed, and not both');
      const { org_id } = call.caller;
      const by = actorOf(call.caller);
      const id = newId();
      const act = database.transaction(call, async (tx) => {
        const at = clock.now();
        const { parameters: given, ...fields } = input;
        const draft = { ...fields, id, org_id, secrets: null };
        const row: ScheduleRow = {
          ...draft,
          ...(await valuesFor(tx, draft, given)),
          ...{
            paused_reason: null,
            last_due_at: null,
            version: 1,
            next_due_at: input.paused ? null : nextTime(input, at),
          },
          ...{
            created_by_type: by.type,
            created_by_id: by.id,
            created_by_name: by.name,
            created_at: at,
            updated_at: at,
          },
        };
        await schedulesStore.insert(tx.db, row);
        tell(tx, row, 'script_schedules.create');
        return viewOf((await schedulesStore.find(tx.db, org_id, id))!);
      });
      return await namedOnce('schedule', act);
    },

    update: async (call: Call, input: ParsedInputOf<typeof scriptSchedulesUpdate>): Promise<ScriptSchedule> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      const act = database.transaction(call, async (tx) => {
        const row = await schedulesStore.lock(tx.db, org_id, input.id);
        if (row === null) throw notFound('The schedule');
        requireVersion(row, input.version);
        const { name = row.name, cron = row.cron, time_zone = row.time_zone, paused = row.paused } = input;
        requireTiming({ cron, time_zone });
        const moved = cron !== row.cron || time_zone !== row.time_zone || paused !== row.paused;
        const next: ScheduleRow = {
          ...{ ...row, name, cron, time_zone, paused },
          ...(input.parameters === undefined ? {} : await valuesFor(tx, row, input.parameters)),
          paused_reason: paused && row.paused ? row.paused_reason : null,
          next_due_at: paused ? null : moved ? nextTime({ cron, time_zone }, clock.now()) : row.next_due_at,
        };
        await schedulesStore.update(tx.db, next, clock.now());
        tell(tx, next, 'script_schedules.update');
      });
      await namedOnce('schedule', act);
      return await shown(org_id, input.id);
    },

    remove: async (call: Call, id: string): Promise<null> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      return await database.transaction(call, async (tx) => {
        const row = await schedulesStore.lock(tx.db, org_id, id);
        if (row === null) throw notFound('The schedule');
        await schedulesStore.remove(tx.db, org_id, id);
        tell(tx, row, 'script_schedules.delete');
        return null;
      });
    },
  };
};

export type SchedulesService = ReturnType<typeof createSchedulesService>;
