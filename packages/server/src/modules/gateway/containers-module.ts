import { containersFollowLogs } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Module } from '../../platform/module.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { LogMessage, SocketLogs } from '../../platform/sockets/socket-options.ts';
import { createAppContainersService, type OpenApps } from './containers/app-containers-service.ts';
import { containerEventFilters } from './containers/containers-events.ts';
import type { ContainersParts } from './containers/containers-parts.ts';
import { containersBindings } from './containers/containers-routes.ts';
import { createContainersService } from './containers/containers-service.ts';
import { Engine, type EngineSettings } from './containers/engine.ts';
import { EngineWatch } from './containers/engine-watch.ts';
import { createExportService } from './containers/export-service.ts';
import type { LogPiece } from './containers/log-queue.ts';
import { createLogsService } from './containers/logs-service.ts';
import { ownContainerIds } from './discovery/own-container.ts';

export type { EngineSettings };

export interface ContainersModuleParts {
  database: Database;
  clock: Clock;
  settings: EngineSettings;
  /** Whether this process marks apps by what their containers do. */
  watches: boolean;
  apps: OpenApps;
  refresh: (caller: Caller) => Promise<Caller | null>;
  onError: (error: unknown, what: string) => void;
}

export interface ContainersModule extends Module {
  /** Logs that are followed over a socket. */
  logs: SocketLogs;
  start(): void;
  stop(): Promise<void>;
  reconfigure(settings: EngineSettings): Promise<void>;
}

const endings: Record<Extract<LogPiece, { kind: 'end' }>['reason'], string> = {
  end: 'The log ends here.',
  gone: 'The container was removed.',
};

const messageOf = (piece: LogPiece): LogMessage => {
  switch (piece.kind) {
    case 'lines':
      return { type: 'logs.lines', lines: piece.lines, skipped: piece.skipped };
    case 'paused':
      return { type: 'logs.paused', reason: piece.reason };
    case 'end':
      return { type: 'logs.ended', code: piece.reason, detail: endings[piece.reason] };
    default:
      return piece satisfies never;
  }
};

async function* messages(pieces: AsyncIterable<LogPiece>): AsyncGenerator<LogMessage> {
  for await (const piece of pieces) yield messageOf(piece);
}

/** Plug of containers: the engine beside Atrium, for operators, and how apps fare in it, for those who open them. */
export const createContainersModule = (given: ContainersModuleParts): ContainersModule => {
  const { database, clock, onError, refresh, watches } = given;
  const engine = new Engine(given.settings, clock);
  const parts: ContainersParts = { database, clock, engine, own_ids: ownContainerIds(), refresh, onError };
  const containers = createContainersService(parts);
  const logs = createLogsService(parts);
  const exports = createExportService(parts, containers);
  const apps = createAppContainersService(parts, containers, given.apps);
  const watch = new EngineWatch({ database, clock, onError }, engine);

  return {
    name: 'containers',
    bindings: containersBindings({ containers, logs, exports, apps }),
    eventFilters: containerEventFilters,
    logs: {
      allow: (caller) => authorize(containersFollowLogs, caller),
      open: async (caller, { container_id, tail, follow, timestamps, since }, signal) => {
        const call: Call = { ...internalCall(caller, newId()), door: 'socket', signal };
        const wishes = { tail, follow, timestamps, ...(since === undefined ? {} : { since }) };
        return messages(await logs.follow(call, container_id, wishes));
      },
    },
    start: () => {
      if (watches) watch.start();
    },
    stop: async () => {
      await watch.stop();
      await engine.close();
    },
    reconfigure: async (settings) => {
      await watch.stop();
      await engine.reconfigure(settings);
      if (watches) watch.start();
    },
  };
};
