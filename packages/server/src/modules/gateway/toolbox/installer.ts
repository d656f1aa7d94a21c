import { setTimeout as pause } from 'node:timers/promises';
import type { ToolboxDeployment } from '@atrium/protocol';
import { routesCreate } from '@atrium/protocol';
import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { ServiceRefusal } from '../../../platform/net/service-client.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import type { WantedApp } from '../discovery/app-maker.ts';
import type { ContainerState, DockerDeploying, OwnedContainer } from '../runtime/docker-deploying.ts';
import { clearEngine } from './clearing.ts';
import type { PlannedService, StartCondition } from './compose-plan.ts';
import { configsArchive, containerBody, labelsOf, type Ownership, ownLabels } from './container-body.ts';
import type { DeploymentRow, DeploymentStep } from './deployments-rows.ts';
import { deploymentsStore } from './deployments-store.ts';
import { type Entrance, type Installation, portsOfService } from './installation.ts';
import { installationFor } from './installing.ts';
import { choosePorts } from './port-choice.ts';
import { registryOfRow, variablesOfRow } from './sealing.ts';
import { emitDeployment } from './toolbox-events.ts';
import type { ToolboxParts } from './toolbox-parts.ts';

/** A step cannot be done; the message is for people. */
export class StepFailed extends Error {}
/** Somebody ordered something else meanwhile. */
export class Superseded extends Error {}

const lookEveryMs = 500;
/** How long containers may take until they are well. */
const patienceMs = 10 * 60_000;
/** Progress is told at most so often. */
const tellEveryMs = 700;

type Changes = Partial<DeploymentRow>;
type Progress = NonNullable<ToolboxDeployment['progress']>;

const isTaken = (error: unknown): boolean => error instanceof ServiceRefusal && error.status === 409;

/** The steps of one installation on the engine. Each may be begun again: it looks for what it made before. */
export class Installer {
  readonly #parts: ToolboxParts;
  readonly #engine: DockerDeploying;
  readonly #row: DeploymentRow;
  readonly #signal: AbortSignal;
  readonly #owner: Ownership;

  constructor(parts: ToolboxParts, engine: DockerDeploying, row: DeploymentRow, signal: AbortSignal) {
    this.#parts = parts;
    this.#engine = engine;
    this.#row = row;
    this.#signal = signal;
    this.#owner = { deployment: row.id, org: row.org_id, generation: row.generation };
  }

  /** What of the row it changed. */
  perform(step: DeploymentStep): Promise<Changes> {
    const acts: Record<DeploymentStep, () => Promise<Changes>> = {
      validate: () => this.#validate(),
      networks: () => this.#networks(),
      pull: () => this.#pull(),
      volumes: () => this.#volumes(),
      create: () => this.#create(),
      start: () => this.#start(),
      wait: () => this.#wait(),
      route: () => this.#route(),
    };
    return acts[step]();
  }

  async stop(): Promise<void> {
    const found = await this.#containers();
    const ordered = this.#installation().plan.services.toReversed();
    const placeOf = ({ Labels }: OwnedContainer) =>
      ordered.findIndex(({ name }) => name === Labels?.[ownLabels.service]);
    for (const { Id } of found.toSorted((a, b) => placeOf(a) - placeOf(b))) await this.#engine.stop(Id, this.#signal);
  }

  clear(volumes: boolean): Promise<void> {
    return clearEngine(this.#engine, this.#row.id, { own_ids: this.#parts.own_ids, volumes }, this.#signal);
  }

  /** Those of the deployment; one of that name that somebody else made is left alone. */
  async removeVolumes(): Promise<void> {
    for (const name of this.#row.volumes) {
      const volume = await this.#engine.volume(name, this.#signal);
      if (volume?.Labels?.[ownLabels.org] === this.#row.org_id) await this.#engine.removeVolume(name, this.#signal);
    }
  }

  #installation(): Installation {
    return installationFor(this.#parts, this.#row.compose, this.#row.name, variablesOfRow(this.#parts, this.#row));
  }

  #containers(): Promise<OwnedContainer[]> {
    return this.#engine.containersWith(`${ownLabels.deployment}=${this.#row.id}`, this.#signal);
  }

  async #validate(): Promise<Changes> {
    const { plan, problems, missing } = this.#installation();
    const [first] = problems;
    if (first !== undefined) throw new StepFailed(`${first.path} ${first.message}`);
    if (missing.length > 0)
      throw new StepFailed(`These variables need a value: ${missing.map(({ name }) => name).join(', ')}`);
    const unticked = plan.dangers.filter(({ id }) => !this.#row.accepted.includes(id));
    if (unticked.length > 0) throw new StepFailed(`Nobody ticked ${unticked.map(({ id }) => id).join(', ')}`);
    // Time has passed since the order: something else may have started meanwhile.
    const running = (await this.#engine.running(this.#signal)).filter(
      ({ Labels }) => Labels?.[ownLabels.deployment] !== this.#row.id,
    );
    await choosePorts(this.#row.ports, { running, held: [], own: this.#row.ports, same_machine: false });
    return {};
  }

  async #networks(): Promise<Changes> {
    for (const { name, internal } of this.#installation().plan.networks) {
      const there = await this.#engine.network(name, this.#signal);
      if (there === null) {
        const body = {
          Name: name,
          Driver: 'bridge',
          CheckDuplicate: true,
          Internal: internal,
          Labels: labelsOf(this.#owner),
        };
        await this.#engine.createNetwork(body, this.#signal).catch((error: unknown) => {
          if (!isTaken(error)) throw error;
          throw new StepFailed(`A network called ${name} is there already, made by somebody else.`);
        });
      } else if (there.Labels?.[ownLabels.deployment] !== this.#row.id)
        throw new StepFailed(`A network called ${name} is there already, made by somebody else.`);
    }
    return {};
  }

  async #pull(): Promise<Changes> {
    const services = this.#installation().plan.services;
    const wanted = [...new Map(services.map((service) => [service.image, service])).values()];
    const images: Progress['images'] = wanted.map(({ image }) => ({ image, percent: null, status: 'Waiting' }));
    const telling = this.#teller(images);
    this.#signal.addEventListener('abort', telling.stop, { once: true });
    try {
      await this.#pullAll(wanted, images, telling);
    } finally {
      telling.stop();
    }
    return {};
  }

  async #pullAll(
    wanted: readonly PlannedService[],
    images: Progress['images'],
    telling: { tell: () => Promise<void>; hint: () => void },
  ): Promise<void> {
    const login = registryOfRow(this.#parts, this.#row);
    for (const [i, { image, pull }] of wanted.entries()) {
      const line = images[i]!;
      if (pull === 'missing' && (await this.#engine.hasImage(image, this.#signal))) line.status = 'Here already';
      else {
        await this.#engine.pull(
          image,
          login,
          ({ percent, status }) => {
            // Layers come to light one after another; a bar that runs backwards tells nobody anything.
            line.percent = percent === null ? line.percent : Math.max(percent, line.percent ?? 0);
            line.status = status;
            telling.hint();
          },
          this.#signal,
        );
        line.status = 'Pulled';
      }
      line.percent = 100;
      await telling.tell();
    }
  }

  /** Writes progress into the row, not more often than people can read it. */
  #teller(images: Progress['images']) {
    let writing: Promise<void> = Promise.resolve();
    let timer: NodeJS.Timeout | null = null;
    let shown = '';
    const tell = (): Promise<void> => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const percent = Math.floor(images.reduce((sum, image) => sum + (image.percent ?? 0), 0) / images.length);
      const progress = { percent, images: images.map((image) => ({ ...image })) };
      const text = JSON.stringify(progress);
      if (text !== shown) writing = writing.then(() => this.#change({ progress }));
      shown = text;
      return writing;
    };
    const hint = (): void => {
      // A failure shows when the image is through, which waits for it.
      timer ??= setTimeout(() => void tell().catch(() => {}), tellEveryMs);
    };
    const stop = (): void => {
      if (timer !== null) clearTimeout(timer);
    };
    return { tell, hint, stop };
  }

  async #change(changes: Parameters<typeof deploymentsStore.change>[3]): Promise<void> {
    const { database, clock } = this.#parts;
    await database.transaction(this.#call(), async (tx) => {
      const changed = await deploymentsStore.change(tx.db, this.#row.id, this.#row.turn, changes, clock.now());
      if (changed === null) throw new Superseded();
      emitDeployment(tx, 'changed', changed);
    });
  }

  #call(): Call {
    return internalCall(systemCaller({ id: this.#row.org_id }), newId());
  }

  async #volumes(): Promise<Changes> {
    for (const name of this.#installation().plan.volumes) {
      const there = await this.#engine.volume(name, this.#signal);
      if (there === null) {
        await this.#engine.createVolume({ Name: name, Driver: 'local', Labels: labelsOf(this.#owner) }, this.#signal);
      } else if (there.Labels?.[ownLabels.org] !== this.#row.org_id)
        throw new StepFailed(
          `A volume called ${name} is there already, with data of somebody else. Choose another name.`,
        );
    }
    return {};
  }

  async #create(): Promise<Changes> {
    const { plan, entrance } = this.#installation();
    const current = String(this.#row.generation);
    const all = await this.#containers();
    const former = all.filter(({ Labels }) => Labels?.[ownLabels.generation] !== current);
    // From here on there is nothing to go back to.
    if (this.#row.former !== null) await this.#change({ former: null });
    for (const { Id } of former) {
      await this.#engine.stop(Id, this.#signal);
      await this.#engine.removeContainer(Id, false, this.#signal);
    }
    const made: ToolboxDeployment['containers'] = [];
    for (const service of plan.services) {
      const known = all.find(
        ({ Labels }) => Labels?.[ownLabels.generation] === current && Labels[ownLabels.service] === service.name,
      );
      const id = known?.Id ?? (await this.#createOne(service, entrance));
      for (const { name, aliases } of service.networks.slice(1))
        await this.#engine.connect(name, id, aliases, this.#signal);
      const archive = configsArchive(service, this.#row.created_at);
      if (archive !== null) await this.#engine.putArchive(id, archive, this.#signal);
      made.push({ service: service.name, id, name: service.container, image: service.image });
    }
    return { containers: made };
  }

  async #createOne(service: PlannedService, entrance: Entrance | null): Promise<string> {
    // What gets its route here is no news to discovery.
    const more: Record<string, string> = entrance !== null && this.#row.auto_route ? { 'atrium.skip': 'true' } : {};
    const ports = portsOfService(this.#row.ports, service.name);
    const body = containerBody(service, ports, this.#owner, more);
    try {
      return await this.#engine.create(service.container, body, this.#signal);
    } catch (error) {
      if (!isTaken(error)) throw error;
      throw new StepFailed(`A container called ${service.container} is there already, made by somebody else.`);
    }
  }

  /** The container of each service, in the order of their start. */
  async #made(): Promise<{ service: PlannedService; id: string }[]> {
    const found = await this.#containers();
    return this.#installation().plan.services.map((service) => {
      const container = found.find(({ Labels }) => Labels?.[ownLabels.service] === service.name);
      if (container === undefined)
        throw new StepFailed(`The container of ${service.name} is gone. Update the deployment to make it anew.`);
      return { service, id: container.Id };
    });
  }

  async #start(): Promise<Changes> {
    const made = await this.#made();
    const idOf = new Map(made.map(({ service, id }) => [service.name, id]));
    const end = Date.now() + patienceMs;
    for (const { service, id } of made) {
      for (const { service: other, condition } of service.after)
        await this.#until(other, idOf.get(other)!, condition, end);
      await this.#engine.start(id, this.#signal);
    }
    return {};
  }

  async #wait(): Promise<Changes> {
    const made = await this.#made();
    const end = Date.now() + patienceMs;
    const oneShot = new Set(
      made.flatMap(({ service }) =>
        service.after
          .filter(({ condition }) => condition === 'service_completed_successfully')
          .map((one) => one.service),
      ),
    );
    for (const { service, id } of made) {
      const condition = oneShot.has(service.name) ? 'service_completed_successfully' : 'service_healthy';
      await this.#until(service.name, id, condition, end);
    }
    return {};
  }

  async #until(service: string, id: string, condition: StartCondition, end: number): Promise<void> {
    for (;;) {
      const container = await this.#engine.container(id, this.#signal);
      if (container === null) throw new StepFailed(`The container of ${service} is gone.`);
      const verdict = verdictOn(service, container, condition);
      if (verdict === true) return;
      if (verdict !== null) throw new StepFailed(verdict);
      if (Date.now() > end)
        throw new StepFailed(`${service} was not well after ${patienceMs / 60_000} minutes; look at its logs.`);
      await pause(lookEveryMs, undefined, { signal: this.#signal });
    }
  }

  async #route(): Promise<Changes> {
    const { entrance } = this.#installation();
    if (!this.#row.auto_route || entrance === null) return {};
    const found = (await this.#made()).find(({ service }) => service.name === entrance.service);
    if (found === undefined) return {};
    const target = await this.#targetOf(entrance, found);
    if (target === null)
      return {
        message: 'No route was made: the engine runs on another machine, whose loopback this server does not reach.',
      };
    try {
      return await this.#leadTo(entrance, target, found.id);
    } catch (error) {
      // What was installed runs all the same.
      if (!(error instanceof AppError)) throw error;
      return { message: `No route was made: ${error.message}` };
    }
  }

  /** Where this process reaches the port: by a network of the engine, or by loopback. */
  async #targetOf(
    entrance: Entrance,
    { service, id }: { service: PlannedService; id: string },
  ): Promise<string | null> {
    const { scheme, container_port } = entrance;
    const [network] = service.networks;
    for (const own of this.#parts.own_ids) {
      if (network === undefined || (await this.#engine.container(own, this.#signal)) === null) continue;
      await this.#engine.connect(network.name, own, [], this.#signal);
      return `${scheme}://${service.container}:${container_port}`;
    }
    const { endpoint } = this.#parts.engine();
    const remote = /^(?:tcp|https?):/.test(endpoint) ? new URL(endpoint.replace(/^tcp:/, 'http:')).hostname : null;
    if (remote !== null && !['localhost', '127.0.0.1', '[::1]'].includes(remote)) return null;
    if (service.network_mode === 'host') return `${scheme}://127.0.0.1:${container_port}`;
    const port = this.#row.ports.find(
      (one) => one.service === service.name && one.container_port === container_port && one.protocol === 'tcp',
    );
    return port === undefined || id === '' ? null : `${scheme}://127.0.0.1:${port.host_port}`;
  }

  #leadTo(entrance: Entrance, target: string, container_ref: string): Promise<Changes> {
    const { database, maker } = this.#parts;
    const call = this.#call();
    return database.transaction(call, async (tx): Promise<Changes> => {
      const { route_id, target: before } = this.#row;
      if (route_id !== null && before !== null) {
        await maker.retarget(tx, call, { route_id, from: before, to: target, container_ref });
        return { target };
      }
      const wanted = { ...entrance.route, slug: entrance.app.slug, targets: [{ url: target }], container_ref };
      const parsed = routesCreate.input.safeParse({ ...wanted, app_id: this.#row.id });
      if (!parsed.success)
        throw new AppError(
          'validation_failed',
          parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '),
        );
      const { app_id: _none, ...route } = parsed.data;
      const made = await maker.make(tx, call, { app: entrance.app, route: route as WantedApp['route'], found: true });
      const changes = { app_id: made.app.id, route_id: made.route_id, target };
      // In the same transaction, or a step that is begun again would find the slug taken by its own route.
      const changed = await deploymentsStore.change(
        tx.db,
        this.#row.id,
        this.#row.turn,
        changes,
        this.#parts.clock.now(),
      );
      if (changed === null) throw new Superseded();
      return changes;
    });
  }
}

/** True: so it is; null: not yet; a text: it will not be. */
const verdictOn = (service: string, container: ContainerState, condition: StartCondition): true | null | string => {
  const { Status, ExitCode = 0, Health, OOMKilled, Error: said = '' } = container.State;
  const ended = Status === 'exited' || Status === 'dead';
  const failure = () =>
    `${service} ended with ${OOMKilled === true ? 'no memory left' : `code ${ExitCode}`}${said === '' ? '' : ` (${said})`}; look at its logs.`;
  if (condition === 'service_completed_successfully') {
    if (!ended) return null;
    return ExitCode === 0 ? true : failure();
  }
  if (ended) return failure();
  if (Status === 'restarting') return ExitCode === 0 ? null : failure();
  if (Status !== 'running') return null;
  const health = Health?.Status ?? 'none';
  if (condition === 'service_started' || health === 'none' || health === 'healthy') return true;
  if (health !== 'unhealthy') return null;
  const output = Health?.Log?.at(-1)?.Output?.trim().slice(0, 300) ?? '';
  return `${service} is not well${output === '' ? '' : `: ${output}`}; look at its logs.`;
};
