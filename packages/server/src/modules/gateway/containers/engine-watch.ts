import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { pauseAfter } from '../discovery/back-off.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { markRoute } from './app-marks.ts';
import { isMeant } from './container-refs.ts';
import { type ContainedRoute, containersStore } from './containers-store.ts';
import type { Engine } from './engine.ts';

export interface EngineWatchParts {
  database: Database;
  clock: Clock;
  onError: (error: unknown, what: string) => void;
}

const gatherMs = 50;
const openMs = 300;

/**
 * Follows what containers do by themselves or are told elsewhere, so that their apps are marked at once. Marks are the
 * same whoever makes them, so each process may follow.
 */
export class EngineWatch {
  readonly #parts: EngineWatchParts;
  readonly #engine: Engine;
  #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(parts: EngineWatchParts, engine: Engine) {
    this.#parts = parts;
    this.#engine = engine;
  }

  start(): void {
    if (this.#running !== null || this.#engine.off) return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#running = null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const runtime = await this.#engine.runtime();
        // First the stream, so that nothing is missed between the list and it; some engines begin it with the first event.
        const opening = runtime.events(signal);
        await Promise.race([opening.catch(() => null), pause(openMs, null, { signal, ref: false })]);
        await this.#settle(runtime, signal);
        const events = await opening;
        failures = 0;
        for await (const _event of events) {
          await pause(gatherMs, null, { signal, ref: false });
          await this.#settle(runtime, signal);
        }
      } catch {
        // An engine that is away is told of by its status, not by a line in the log for each attempt.
      }
      failures += 1;
      await pause(pauseAfter(failures), null, { signal, ref: false }).catch(() => {});
    }
  }

  /** Brings what is said of apps in line with what runs; events only say when. */
  async #settle(runtime: Runtime, signal: AbortSignal): Promise<void> {
    const { database, clock, onError } = this.#parts;
    const routes = await containersStore.routes(database.read, null);
    if (routes.length === 0) return;
    const containers = await runtime.list(signal);
    const standing: [ContainedRoute, boolean][] = [];
    for (const route of routes) {
      const container = containers.find((one) => isMeant(route.container_ref, one));
      // One that is not there may run on another engine; discovery knows when it is gone.
      if (container !== undefined)
        standing.push([route, container.state === 'running' || container.state === 'starting']);
    }
    for (const [orgId, ofOrg] of Map.groupBy(standing, ([{ org_id }]) => org_id)) {
      const call = internalCall(systemCaller({ id: orgId }), newId());
      await database
        .transaction(call, async (tx) => {
          for (const [route, runs] of ofOrg) await markRoute(tx, clock, route, runs);
        })
        .catch((error: unknown) => onError(error, 'marking apps of containers'));
    }
  }
}
