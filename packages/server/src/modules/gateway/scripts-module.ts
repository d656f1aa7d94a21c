import type { Transaction } from '../../platform/db/database.ts';
import { IdWaiters } from '../../platform/events/id-waiters.ts';
import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { createChainsService } from './scripts/chains-service.ts';
import { createContainerRunner } from './scripts/container-runner.ts';
import { createHostRunner } from './scripts/host-runner.ts';
import { RunExecutor } from './scripts/run-executor.ts';
import { approvalMs, createRunQueue, runJob } from './scripts/run-queue.ts';
import { createRunsService, type RunsService } from './scripts/runs-service.ts';
import { runsStore } from './scripts/runs-store.ts';
import { createSchedulesService } from './scripts/schedules-service.ts';
import { schedulesStore } from './scripts/schedules-store.ts';
import { ScriptFiles } from './scripts/script-files.ts';
import { scriptEventFilters, scriptEvents } from './scripts/scripts-events.ts';
import type { RunApprovalAsker, ScriptsParts } from './scripts/scripts-parts.ts';
import { createScriptsRotation } from './scripts/scripts-rotation.ts';
import { scriptsBindings } from './scripts/scripts-routes.ts';
import { createScriptsService } from './scripts/scripts-service.ts';
import { scriptsStore } from './scripts/scripts-store.ts';

const tickMs = 5000;
const repairMs = 15_000;
const dayMs = 86_400_000;
/** Runs are kept for so many days, and so many of each script. */
const keptDays = 30;
const keptRuns = 500;

export interface ScriptsModule extends Module {
  rotate: RotationVisit;
  /** Who shows runs that wait for a person. */
  onApprovalAsked(asker: RunApprovalAsker): void;
  decideApproval: RunsService['decide'];
  personErasing(tx: Transaction, person: { id: string; name: string }): Promise<void>;
  personExporting(userId: string): Promise<Record<string, unknown>>;
  /** Ends what still runs here. */
  close(): Promise<void>;
}

/** Plug of scripts: registered files, their runs, chains and schedules. */
export const createScriptsModule = (parts: ScriptsParts): ScriptsModule => {
  const { database, clock, settings } = parts;
  const files = new ScriptFiles(() => settings().directory);
  const changes = new IdWaiters();
  const queue = createRunQueue(parts);
  const runners = {
    host: createHostRunner(parts.scratch),
    container: createContainerRunner(parts.engine, () => settings().host_directory),
  };
  const executor = new RunExecutor(parts, queue, files, runners, changes);
  const scripts = createScriptsService(parts, files, queue);
  const runs = createRunsService(parts, files, queue, changes);
  const chains = createChainsService(parts, files, queue, runs);
  const schedules = createSchedulesService(parts, files, queue, chains);
  const before = (ms: number): Date => new Date(clock.now().getTime() - ms);
  return {
    name: 'scripts',
    bindings: scriptsBindings({ scripts, runs, chains, schedules }),
    eventFilters: scriptEventFilters,
    jobs: [{ name: runJob, run: ({ id, attempt }) => executor.run(String(id), Number(attempt)) }],
    onEvent: ({ kind, id }) => {
      if (kind === scriptEvents.cancelRequested) executor.cancel(id);
      if (kind.startsWith('gateway.script.')) changes.wake(id);
    },
    sweeps: [
      { name: 'script-schedules', every_ms: tickMs, run: schedules.tick },
      { name: 'script-runs', every_ms: repairMs, run: () => executor.repair(before(repairMs), before(approvalMs)) },
      {
        name: 'script-history',
        every_ms: dayMs / 4,
        run: async () => {
          await runsStore.prune(database.read, before(keptDays * dayMs), keptRuns);
          await schedulesStore.pruneDues(database.read, before(keptDays * dayMs));
        },
      },
    ],
    rotate: createScriptsRotation(parts),
    onApprovalAsked: queue.onAsked,
    decideApproval: runs.decide,
    personErasing: (tx, { id, name }) => scriptsStore.erasePerson(tx.db, id, name),
    personExporting: async (userId) => ({ script_runs: await scriptsStore.exportPerson(database.read, userId) }),
    close: () => executor.close(),
  };
};
