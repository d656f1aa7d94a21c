import { hasPermission, hasScope } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { eventFilter } from '../../../platform/events/event-filter.ts';
import type { EventFilter, StoredEvent } from '../../../platform/module.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { ChainRunRow, RunRow } from './scripts-rows.ts';

/** Facts about scripts. The subject is the script, chain or schedule, and the run of what begins with `run`. */
export const scriptEvents = {
  registered: 'gateway.script.registered',
  updated: 'gateway.script.updated',
  deleted: 'gateway.script.deleted',
  chainChanged: 'gateway.script.chain_changed',
  scheduleChanged: 'gateway.script.schedule_changed',
  queued: 'gateway.script.queued',
  started: 'gateway.script.started',
  output: 'gateway.script.output',
  completed: 'gateway.script.completed',
  failed: 'gateway.script.failed',
  cancelRequested: 'gateway.script.cancel_requested',
  chainStarted: 'gateway.script.chain_started',
  chainEnded: 'gateway.script.chain_ended',
} as const;

/** What tells of a run is for whoever began it and for those who may write scripts. */
type Begun = Pick<RunRow | ChainRunRow, 'started_by_id' | 'started_by_name'>;
export const byOf = ({ started_by_id, started_by_name }: Begun) => ({ by: started_by_id, by_name: started_by_name });

export const emitRun = (
  tx: Transaction,
  kind: string,
  row: Pick<RunRow, 'id' | 'org_id' | 'script_id' | 'script_name' | 'chain_run_id'> & Begun,
  body: Record<string, unknown> = {},
): void => {
  const { id, org_id, script_id, script_name, chain_run_id } = row;
  tx.emit({ kind, id, org_id, body: { script_id, script: script_name, chain_run_id, ...byOf(row), ...body } });
};

export const seesAll = (caller: Caller): boolean => hasPermission(caller.permissions, 'scripts.write');
/** Whose runs somebody sees: their own, and those of agents that are theirs come by the agent's own id. */
export const startedBy = (caller: Caller, id: string | null): boolean => id !== null && id === caller.id;

const mayLearn = (event: StoredEvent, caller: Caller): boolean => {
  if (caller.org_id !== event.org_id || !hasScope(caller.scopes, 'scripts:run')) return false;
  if (!hasPermission(caller.permissions, 'scripts.run')) return false;
  return !('by' in event.body) || seesAll(caller) || startedBy(caller, event.body['by'] as string | null);
};

export const scriptEventFilters: readonly EventFilter[] = [eventFilter('gateway.script.', mayLearn)];
