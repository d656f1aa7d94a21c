import type { Clock } from '../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../platform/db/database.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { Module } from '../../platform/module.ts';
import type { GuardedFetch } from '../../platform/net/guarded-fetch.ts';
import type { AppMaker } from './discovery/app-maker.ts';
import { discoveryEventFilters, discoveryEvents } from './discovery/discovery-events.ts';
import type { AutoApproval, DiscoveryParts, TellAdmins } from './discovery/discovery-parts.ts';
import { discoveryBindings } from './discovery/discovery-routes.ts';
import { DiscoveryRunner, type DiscoverySettings } from './discovery/discovery-runner.ts';
import { createDiscoveryTurn } from './discovery/discovery-turn.ts';
import { createImportService } from './discovery/import/import-service.ts';
import { createIntakeService } from './discovery/intake-service.ts';
import { createProposalsService } from './discovery/proposals-service.ts';
import { proposalsStore } from './discovery/proposals-store.ts';
import type { OnScan } from './discovery/provider.ts';
import { createStatusService } from './discovery/status-service.ts';

export interface DiscoveryOptions extends DiscoverySettings {
  autoApprove: AutoApproval;
  /** Whether this process may discover at all; it still answers for the one that does. */
  runs: boolean;
}

export interface DiscoveryModuleParts {
  database: Database;
  database_url: string;
  clock: Clock;
  limiter: RateLimiter;
  fetch: GuardedFetch;
  /** Which organisation is told of what is found. */
  orgOf: () => Promise<string | null>;
  maker: AppMaker;
  options: DiscoveryOptions;
  onScan?: OnScan;
  onError: (error: unknown, what: string) => void;
}

export interface DiscoveryModule extends Module {
  /** From now on this process discovers, when it is its turn. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Other settings, without a restart. */
  reconfigure(options: Omit<DiscoveryOptions, 'runs'>): Promise<void>;
  /** Sources that this process looks at, at the moment. */
  workers(): number;
  /** Who hears of apps that are open past the sign-in. */
  onExposed(tell: TellAdmins): void;
  personErasing(tx: Transaction, person: { id: string; name: string }): Promise<void>;
  personExporting(userId: string): Promise<Record<string, unknown>>;
}

/** Plug of discovery: what finds services by itself, and what people decide about them. */
export const createDiscoveryModule = (given: DiscoveryModuleParts): DiscoveryModule => {
  const { database, clock, limiter, fetch, orgOf, onError } = given;
  let { options } = given;
  const parts: DiscoveryParts = {
    ...{ database, clock, limiter, orgOf, onError },
    maker: given.maker,
  };
  const proposals = createProposalsService(parts);
  const intake = createIntakeService(parts, proposals, () => options.autoApprove);
  const runner = new DiscoveryRunner(options, { database, clock, intake, fetch, onScan: given.onScan, onError });
  const status = createStatusService(parts, () => runner.enabled);
  const turn = createDiscoveryTurn({
    url: given.database_url,
    begin: () => runner.begin(),
    end: () => runner.end(),
    onError: (error) => onError(error, 'the turn of discovery was lost'),
  });
  let running = false;

  const rescanFor = async (org_id: string): Promise<void> => {
    if ((await orgOf()) === org_id) runner.rescan();
  };

  return {
    name: 'discovery',
    bindings: discoveryBindings({ proposals, status, imports: createImportService(parts) }),
    eventFilters: discoveryEventFilters,
    onEvent: ({ kind, org_id }) => {
      if (kind === discoveryEvents.rescanned)
        rescanFor(org_id).catch((error: unknown) => onError(error, 'a rescan could not begin'));
    },
    sweeps: [{ name: 'discovery-unseen', every_ms: 600_000, run: intake.sweep }],
    start: async () => {
      if (!options.runs || !runner.enabled || running) return;
      running = true;
      await turn.start();
    },
    stop: async () => {
      if (!running) return;
      running = false;
      await turn.stop();
    },
    workers: () => runner.size,
    reconfigure: async (changed) => {
      options = { ...changed, runs: options.runs };
      if (options.runs && options.enabled !== 'false' && !running) {
        running = true;
        await turn.start();
      }
      await runner.reconfigure(options);
    },
    onExposed: proposals.onExposed,
    personErasing: (tx, { id, name }) => proposalsStore.erasePerson(tx.db, id, name),
    personExporting: async (userId) => ({ proposals: await proposalsStore.exportPerson(database.read, userId) }),
  };
};
