import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { JobDefinition } from '../../../platform/jobs/job.ts';
import { ServiceRefusal } from '../../../platform/net/service-client.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { DockerDeploying, PullFailed } from '../runtime/docker-deploying.ts';
import { clearEngine } from './clearing.ts';
import { ownLabels } from './container-body.ts';
import { type Advance, advanceJob, advanceName, type Order } from './deployment-job.ts';
import type { DeploymentRow, DeploymentState, DeploymentStep } from './deployments-rows.ts';
import { deploymentsStore } from './deployments-store.ts';
import { Installer, StepFailed, Superseded } from './installer.ts';
import { formerOfRow, maskFor, seal } from './sealing.ts';
import { emitDeployment } from './toolbox-events.ts';
import { engineWords, type ToolboxParts } from './toolbox-parts.ts';

const steps: readonly DeploymentStep[] = [
  ...(['validate', 'networks', 'pull', 'volumes', 'create', 'start', 'wait', 'route'] as const),
];

const stateOf: Readonly<Record<DeploymentStep, DeploymentState>> = {
  validate: 'pending',
  networks: 'pending',
  pull: 'pulling',
  volumes: 'creating',
  create: 'creating',
  start: 'starting',
  wait: 'waiting',
  route: 'routing',
};

const orderStates = { stop: 'stopping', cancel: 'cancelling', remove: 'removing' } as const;

/** The step that an installation under way is at. */
const stepOf = ({ state, step }: DeploymentRow): DeploymentStep | null =>
  step !== null && stateOf[step] === state ? step : null;

/** Where a row stands when it is through with a step. */
const after = ({ auto_start }: DeploymentRow, done: DeploymentStep): Pick<DeploymentRow, 'state' | 'step'> => {
  const next = done === 'create' && !auto_start ? 'route' : steps[steps.indexOf(done) + 1];
  if (next === undefined) return { state: auto_start ? 'running' : 'stopped', step: null };
  return { state: stateOf[next], step: next };
};

/** How often an engine that does not answer is asked again, with pauses of 2, 4, 8 and 16 seconds. */
const mostAttempts = 5;

/** The engine said no; asking it again changes nothing. */
const isFinal = (error: unknown): boolean =>
  error instanceof StepFailed ||
  error instanceof PullFailed ||
  (error instanceof AppError && error.code !== 'toolbox_engine_unavailable') ||
  (error instanceof ServiceRefusal && error.status < 500);

const reasonOf = (error: unknown): string =>
  error instanceof StepFailed || error instanceof AppError
    ? error.message
    : error instanceof PullFailed
      ? `The image could not be pulled: ${error.message}`
      : engineWords(error);

/** Does what orders ask for, one job an order. A step that is begun again finds what it made by its labels. */
export class DeploymentRunner {
  readonly #parts: ToolboxParts;
  readonly #running = new Set<{ id: string; turn: number; abort: AbortController }>();

  constructor(parts: ToolboxParts) {
    this.#parts = parts;
  }

  get jobs(): JobDefinition[] {
    return [
      { name: advanceName, run: (args) => this.#run(args as unknown as Advance) },
      { name: 'clear-deployment', run: ({ id, org_id }) => this.#clearGone(String(id), String(org_id)) },
    ];
  }

  /** A later order has come: what runs for an earlier one ends. */
  heard(id: string, turn: number): void {
    for (const running of this.#running) if (running.id === id && running.turn < turn) running.abort.abort();
  }

  #callFor(row: Pick<DeploymentRow, 'org_id'>): Call {
    return internalCall(systemCaller({ id: row.org_id }), newId());
  }

  async #run(advance: Advance): Promise<void> {
    const { id, turn, order, attempt } = advance;
    const row = await deploymentsStore.any(this.#parts.database.read, id);
    if (row === null || row.turn !== turn) {
      await this.#settle(id, row);
      return;
    }
    // This job was done already, and cut off before it could say so.
    if (order === 'install' ? stepOf(row) === null : row.state !== orderStates[order]) return;
    const abort = new AbortController();
    const running = { id, turn, abort };
    this.#running.add(running);
    let engine: DockerDeploying | null = null;
    try {
      engine = await DockerDeploying.open(this.#parts.engine(), abort.signal);
      if (order === 'install') await this.#install(row, engine, abort.signal);
      else await this.#obey(row, order, new Installer(this.#parts, engine, row, abort.signal));
    } catch (error) {
      if (error instanceof Superseded || abort.signal.aborted) {
        await this.#settle(id, await deploymentsStore.any(this.#parts.database.read, id));
        return;
      }
      if (isFinal(error) || attempt + 1 >= mostAttempts) await this.#fail(row, order, reasonOf(error));
      else await this.#again(row, advance, error);
    } finally {
      this.#running.delete(running);
      await engine?.close();
    }
  }

  /** Step by step, each written down before the next begins: whoever goes on later begins with the one that was left. */
  async #install(begun: DeploymentRow, engine: DockerDeploying, signal: AbortSignal): Promise<void> {
    for (let row = begun, step = stepOf(row); step !== null; step = stepOf(row)) {
      const changes = await new Installer(this.#parts, engine, row, signal).perform(step);
      signal.throwIfAborted();
      row = await this.#change(row, { message: null, ...changes, ...after(row, step), progress: null });
    }
  }

  /** Work of an earlier order may have made something after the later one had cleared up. */
  async #settle(id: string, row: DeploymentRow | null): Promise<void> {
    if (row !== null && row.state !== 'cancelled') return;
    await this.#withEngine(async (engine, signal) => {
      await clearEngine(engine, id, { own_ids: this.#parts.own_ids, volumes: false }, signal);
    });
  }

  async #withEngine(act: (engine: DockerDeploying, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = new AbortController();
    const engine = await DockerDeploying.open(this.#parts.engine(), signal);
    try {
      await act(engine, signal);
    } finally {
      await engine.close();
    }
  }

  async #change(row: DeploymentRow, changes: Parameters<typeof deploymentsStore.change>[3]): Promise<DeploymentRow> {
    const { database, clock } = this.#parts;
    return database.transaction(this.#callFor(row), async (tx) => {
      const changed = await deploymentsStore.change(tx.db, row.id, row.turn, changes, clock.now());
      if (changed === null) throw new Superseded();
      emitDeployment(tx, 'changed', changed);
      return changed;
    });
  }

  async #obey(row: DeploymentRow, order: 'stop' | 'cancel' | 'remove', installer: Installer): Promise<void> {
    if (order === 'stop') {
      await installer.stop();
      await this.#change(row, { state: 'stopped', message: null });
    } else if (order === 'cancel') {
      if (row.former !== null) await this.#fallBack(row, 'The update was cancelled; what ran before runs on.');
      else {
        await installer.clear(false);
        await this.#change(row, { state: 'cancelled', step: null, message: null, containers: [] });
      }
    } else {
      await installer.clear(row.remove_volumes);
      if (row.remove_volumes) await installer.removeVolumes();
      const { database, maker } = this.#parts;
      const call = this.#callFor(row);
      await database.transaction(call, async (tx) => {
        if (row.route_id !== null) await maker.unmake(tx, call, row.route_id);
        if (!(await deploymentsStore.remove(tx.db, row.id, row.turn))) throw new Superseded();
        emitDeployment(tx, 'removed', row);
      });
    }
  }

  /** An update that has not replaced anything yet leaves what was there as it was. */
  async #fallBack(row: DeploymentRow, message: string): Promise<void> {
    const { state, variables, ...former } = formerOfRow(this.#parts, row)!;
    const sealed = seal(this.#parts, row.id, variables);
    const step = row.state === 'cancelling' ? null : row.step;
    await this.#change(row, { ...former, variables: sealed, state, step, message, former: null, progress: null });
  }

  async #fail(row: DeploymentRow, order: Order, reason: string): Promise<void> {
    const shown = maskFor(this.#parts, row)(reason).slice(0, 1000);
    try {
      // The step itself may have put the former installation away.
      const now = await deploymentsStore.any(this.#parts.database.read, row.id);
      if (order === 'install' && now?.turn === row.turn && now.former !== null)
        await this.#fallBack(now, `The update failed: ${shown.replace(/\.$/, '')}. What ran before runs on.`);
      else await this.#change(row, { state: 'error', message: shown, progress: null });
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      await this.#settle(row.id, await deploymentsStore.any(this.#parts.database.read, row.id));
    }
  }

  async #again(row: DeploymentRow, advance: Advance, error: unknown): Promise<void> {
    const { database, clock } = this.#parts;
    const waits = 2000 * 2 ** advance.attempt;
    const message = `${maskFor(this.#parts, row)(reasonOf(error)).slice(0, 900)}; it is asked again.`;
    await database.transaction(this.#callFor(row), async (tx) => {
      const changed = await deploymentsStore.change(tx.db, row.id, row.turn, { message }, clock.now());
      if (changed === null) return;
      emitDeployment(tx, 'changed', changed);
      tx.enqueue(advanceJob({ ...advance, attempt: advance.attempt + 1 }, new Date(clock.now().getTime() + waits)));
    });
  }

  /** Everything of a deployment whose organisation is gone, its data with it. */
  #clearGone(id: string, org_id: string): Promise<void> {
    return this.#withEngine(async (engine, signal) => {
      await clearEngine(engine, id, { own_ids: this.#parts.own_ids, volumes: true }, signal);
      for (const { Name } of await engine.volumesWith(`${ownLabels.org}=${org_id}`, signal))
        await engine.removeVolume(Name, signal);
    });
  }
}
