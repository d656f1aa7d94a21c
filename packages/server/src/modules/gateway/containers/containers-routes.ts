import {
  appsContainer,
  appsContainers,
  containersBatch,
  containersExport,
  containersExportMany,
  containersFollowLogs,
  containersGet,
  containersList,
  containersListStats,
  containersLogs,
  containersPreviewExport,
  containersPreviewMany,
  containersRestart,
  containersRestartAll,
  containersStart,
  containersStartAll,
  containersStats,
  containersStatus,
  containersStop,
  containersStopAll,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { AppContainersService } from './app-containers-service.ts';
import type { ContainersService } from './containers-service.ts';
import type { ExportService } from './export-service.ts';
import type { LogsService } from './logs-service.ts';

export const containersBindings = (services: {
  containers: ContainersService;
  logs: LogsService;
  exports: ExportService;
  apps: AppContainersService;
}): Binding[] => {
  const { containers, logs, exports, apps } = services;
  return [
    bind(containersStatus, (call) => containers.status(call)),
    bind(containersList, (call, input) => containers.list(call, input)),
    bind(containersListStats, (call, input) => containers.listStats(call, input)),
    bind(containersGet, (call, { id }) => containers.get(call, id)),
    bind(containersStats, (call, { id }) => containers.stats(call, id)),
    bind(containersStart, (call, { id }) => containers.start(call, id)),
    bind(containersStop, (call, input) => containers.stop(call, input)),
    bind(containersRestart, (call, input) => containers.restart(call, input)),
    bind(containersStartAll, (call, input) => containers.all(call, 'start', input)),
    bind(containersStopAll, (call, input) => containers.all(call, 'stop', input)),
    bind(containersRestartAll, (call, input) => containers.all(call, 'restart', input)),
    bind(containersBatch, (call, input) => containers.batch(call, input)),
    bind(containersLogs, (call, input) => logs.read(call, input)),
    bind(containersFollowLogs, (call, { id, ...wishes }) => logs.stream(call, id, wishes)),
    bind(containersExport, (call, input) => exports.write(call, input)),
    bind(containersPreviewExport, (call, input) => exports.preview(call, input)),
    bind(containersExportMany, (call, input) => exports.writeMany(call, input)),
    bind(containersPreviewMany, (call, input) => exports.previewMany(call, input)),
    bind(appsContainer, (call, { slug }) => apps.of(call, slug)),
    bind(appsContainers, (call, input) => apps.list(call, input)),
  ];
};
