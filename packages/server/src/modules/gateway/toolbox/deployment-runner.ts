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

const isStep = (order: Order): order is DeploymentStep => !(order in orderStates);

/** How often an engine that does not answer is asked again, with pauses of 2, 4, 8, 16 and 32 seconds. */
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

/** Does what orders ask for, one job a step. A step that is begun again finds what it made by its labels. */
export class DeploymentRunner {
  readonly #parts: ToolboxParts;
  readonly #running = new Map<string, { turn: number; abort: AbortController }>();

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
    const running = this.#running.get(id);
    if (running !== undefined && running.turn < turn) running.abort.abort();
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
    if (isStep(order) ? row.step !== order || row.state !== stateOf[order] : row.state !== orderStates[order]) return;
    const abort = new AbortController();
    this.#running.set(id, { turn, abort });
    let engine: DockerDeploying | null = null;
    try {
      engine = await DockerDeploying.open(this.#parts.engine(), abort.signal);
      const installer = new Installer(this.#parts, engine, row, abort.signal);
      if (isStep(order)) await this.#next(row, order, await installer.perform(order));
      else await this.#obey(row, order, installer);
    } catch (error) {
      if (error instanceof Superseded || abort.signal.aborted) {
        await this.#settle(id, await deploymentsStore.any(this.#parts.database.read, id));
        return;
      }
      if (isFinal(error) || attempt + 1 >= mostAttempts) await this.#fail(row, order, reasonOf(error));
      else await this.#again(row, advance, error);
    } finally {
      if (this.#running.get(id)?.abort === abort) this.#running.delete(id);
      await engine?.close();
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

  async #change(
    row: DeploymentRow,
    changes: Parameters<typeof deploymentsStore.change>[3],
    then: Order | null,
  ): Promise<void> {
    const { database, clock } = this.#parts;
    await database.transaction(this.#callFor(row), async (tx) => {
      const changed = await deploymentsStore.change(tx.db, row.id, row.turn, changes, clock.now());
      if (changed === null) throw new Superseded();
      emitDeployment(tx, 'changed', changed);
      if (then !== null) tx.enqueue(advanceJob({ id: row.id, turn: row.turn, order: then, attempt: 0 }));
    });
  }

  async #next(row: DeploymentRow, done: DeploymentStep, changes: Partial<DeploymentRow>): Promise<void> {
    const skip = done === 'create' && !row.auto_start;
    const next = skip ? 'route' : steps[steps.indexOf(done) + 1];
    if (next === undefined) {
      const state = row.auto_start ? 'running' : 'stopped';
      await this.#change(row, { message: null, ...changes, state, step: null, progress: null }, null);
    } else
      await this.#change(row, { message: null, ...changes, state: stateOf[next], step: next, progress: null }, next);
  }

  async #obey(row: DeploymentRow, order: 'stop' | 'cancel' | 'remove', installer: Installer): Promise<void> {
    if (order === 'stop') {
      await installer.stop();
      await this.#change(row, { state: 'stopped', message: null }, null);
    } else if (order === 'cancel') {
      if (row.former !== null) await this.#fallBack(row, 'The update was cancelled; what ran before runs on.');
      else {
        await installer.clear(false);
        await this.#change(row, { state: 'cancelled', step: null, message: null, containers: [] }, null);
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
    await this.#change(row, { ...former, variables: sealed, state, step, message, former: null, progress: null }, null);
  }

  async #fail(row: DeploymentRow, order: Order, reason: string): Promise<void> {
    const shown = maskFor(this.#parts, row)(reason).slice(0, 1000);
    try {
      // The step itself may have put the former installation away.
      const now = await deploymentsStore.any(this.#parts.database.read, row.id);
      if (isStep(order) && now?.turn === row.turn && now.former !== null)
        await this.#fallBack(now, `The update failed: ${shown.replace(/\.$/, '')}. What ran before runs on.`);
      else await this.#change(row, { state: 'error', message: shown, progress: null }, null);
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
