import {
  scriptChainRunsCancel,
  scriptChainRunsGet,
  scriptChainRunsList,
  scriptChainsCreate,
  scriptChainsDelete,
  scriptChainsGet,
  scriptChainsList,
  scriptChainsRun,
  scriptChainsUpdate,
  scriptRunsCancel,
  scriptRunsGet,
  scriptRunsList,
  scriptRunsOutput,
  scriptRunsStream,
  scriptSchedulesCreate,
  scriptSchedulesDelete,
  scriptSchedulesGet,
  scriptSchedulesList,
  scriptSchedulesPreview,
  scriptSchedulesUpdate,
  scriptsAvailable,
  scriptsConfirm,
  scriptsDelete,
  scriptsDryRun,
  scriptsGet,
  scriptsList,
  scriptsRegister,
  scriptsRun,
  scriptsUpdate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { ChainsService } from './chains-service.ts';
import type { RunsService } from './runs-service.ts';
import type { SchedulesService } from './schedules-service.ts';
import type { ScriptsService } from './scripts-service.ts';

export const scriptsBindings = ({
  scripts,
  runs,
  chains,
  schedules,
}: {
  scripts: ScriptsService;
  runs: RunsService;
  chains: ChainsService;
  schedules: SchedulesService;
}): Binding[] => [
  bind(scriptsAvailable, (call) => scripts.available(call)),
  bind(scriptsList, (call, input) => scripts.list(call, input)),
  bind(scriptsGet, (call, { id }) => scripts.get(call, id)),
  bind(scriptsRegister, (call, input) => scripts.register(call, input)),
  bind(scriptsUpdate, (call, input) => scripts.update(call, input)),
  bind(scriptsConfirm, (call, input) => scripts.confirm(call, input)),
  bind(scriptsDelete, (call, { id }) => scripts.remove(call, id)),
  bind(scriptsRun, (call, input) => runs.run(call, input)),
  bind(scriptsDryRun, (call, input) => runs.dryRun(call, input)),
  bind(scriptRunsList, (call, input) => runs.list(call, input)),
  bind(scriptRunsGet, (call, { id }) => runs.get(call, id)),
  bind(scriptRunsOutput, (call, input) => runs.output(call, input)),
  bind(scriptRunsStream, (call, input) => runs.stream(call, input)),
  bind(scriptRunsCancel, (call, { id }) => runs.cancel(call, id)),
  bind(scriptChainsList, (call, input) => chains.list(call, input)),
  bind(scriptChainsGet, (call, { id }) => chains.get(call, id)),
  bind(scriptChainsCreate, (call, input) => chains.create(call, input)),
  bind(scriptChainsUpdate, (call, input) => chains.update(call, input)),
  bind(scriptChainsDelete, (call, { id }) => chains.remove(call, id)),
  bind(scriptChainsRun, (call, { id }) => chains.run(call, id)),
  bind(scriptChainRunsList, (call, input) => chains.listRuns(call, input)),
  bind(scriptChainRunsGet, (call, { id }) => chains.getRun(call, id)),
  bind(scriptChainRunsCancel, (call, { id }) => chains.cancelRun(call, id)),
  bind(scriptSchedulesList, (call, input) => schedules.list(call, input)),
  bind(scriptSchedulesGet, (call, { id }) => schedules.get(call, id)),
  bind(scriptSchedulesPreview, (_call, input) => schedules.preview(input)),
  bind(scriptSchedulesCreate, (call, input) => schedules.create(call, input)),
  bind(scriptSchedulesUpdate, (call, input) => schedules.update(call, input)),
  bind(scriptSchedulesDelete, (call, { id }) => schedules.remove(call, id)),
];
