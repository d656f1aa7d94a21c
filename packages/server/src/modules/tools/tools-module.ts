import type { Transaction } from '../../platform/db/database.ts';
import { IdWaiters } from '../../platform/events/id-waiters.ts';
import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { type CallsService, createCallsService, toolCallJob } from './calls-service.ts';
import { callsStore } from './calls-store.ts';
import { createDefinitionsService } from './definitions-service.ts';
import { definitionsStore } from './definitions-store.ts';
import { createOfferedTools } from './offered-tools.ts';
import { toolEventFilters, toolEvents } from './policy.ts';
import { createServersService } from './servers-service.ts';
import { createToolSource } from './tools-mcp.ts';
import type { ToolCallAsker, ToolsParts } from './tools-parts.ts';
import { createToolsRotation } from './tools-rotation.ts';
import { toolsBindings, toolsPages } from './tools-routes.ts';
import { createPassedContent } from './upstreams/passed-content.ts';
import { UpstreamHub } from './upstreams/upstream-hub.ts';

const repairMs = 5000;
const lookMs = 30_000;
const pruneMs = 6 * 3_600_000;

export interface ToolsModule extends Module {
  rotate: RotationVisit;
  /** Who shows calls that wait for a person. */
  onApprovalAsked(asker: ToolCallAsker): void;
  decideApproval: CallsService['decide'];
  personErasing(tx: Transaction, person: { id: string; name: string }): Promise<void>;
  personExporting(userId: string): Promise<Record<string, unknown>>;
  /** Closes sessions, and ends the programs that run as MCP servers. */
  close(): Promise<void>;
}

/** Plug of tools: MCP servers behind this one, and what becomes of their tools. */
export const createToolsModule = (parts: ToolsParts): ToolsModule => {
  const { database } = parts;
  const hub = new UpstreamHub(parts);
  const changes = new IdWaiters();
  const calls = createCallsService(parts, hub, changes);
  const servers = createServersService(parts, hub, calls, calls.asker);
  const definitions = createDefinitionsService(parts);
  return {
    name: 'tools',
    bindings: toolsBindings({ servers, definitions, calls }),
    pages: toolsPages({ servers }),
    tools: createToolSource(calls, createOfferedTools(parts)),
    content: createPassedContent(parts, hub),
    eventFilters: toolEventFilters,
    jobs: [{ name: toolCallJob, run: ({ id }) => calls.run(String(id)) }],
    onEvent: ({ kind, id }) => {
      if (kind.startsWith('tools.call.')) changes.wake(id);
      // Another process may have removed it; one that was changed is noticed by its version.
      if (kind === toolEvents.serverRemoved) void hub.forget(id);
    },
    sweeps: [
      { name: 'tool-calls', every_ms: repairMs, run: calls.repair },
      { name: 'tool-servers', every_ms: lookMs, run: servers.lookAround },
      { name: 'tool-history', every_ms: pruneMs, run: calls.prune },
    ],
    rotate: createToolsRotation(parts),
    onApprovalAsked: calls.onAsked,
    decideApproval: calls.decide,
    personErasing: (tx, { id, name }) => definitionsStore.erasePerson(tx.db, id, name),
    personExporting: async (userId) => ({ tool_calls: await callsStore.exportPerson(database.read, userId) }),
    close: () => hub.close(),
  };
};
