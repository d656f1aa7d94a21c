import type {
  OutputOf,
  ParsedInputOf,
  ToolboxDeployment,
  toolboxDeploy,
  toolboxDeploymentsList,
  toolboxLogs,
  toolboxUpdate,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { type Template, templateOf } from './catalogue.ts';
import { ownLabels } from './container-body.ts';
import { advanceJob, type Order } from './deployment-job.ts';
import type { DeploymentRow, DeploymentState, FormerInstallation, ListedDeployment } from './deployments-rows.ts';
import { deploymentsStore } from './deployments-store.ts';
import type { Installation } from './installation.ts';
import { nameFor, requireSound, requireTicks, wantedInstallation } from './installing.ts';
import { choosePorts, type PortOutlook } from './port-choice.ts';
import { maskFor, seal, variablesOfRow } from './sealing.ts';
import { isSecretName, withGenerated } from './template-variables.ts';
import { emitDeployment } from './toolbox-events.ts';
import { askEngine, type ToolboxParts } from './toolbox-parts.ts';

const mostDeployments = 200;

const noDeployment = (): AppError => notFound('The deployment');

const underWay: readonly DeploymentState[] = ['pending', 'pulling', 'creating', 'starting', 'waiting', 'routing'];
const atRest: readonly DeploymentState[] = ['running', 'stopped', 'error', 'cancelled'];

const busy = (row: DeploymentRow, hint: string): AppError =>
  new AppError('toolbox_busy', `${row.name} is ${row.state} now${hint}.`, { extensions: { state: row.state } });

type Surroundings = Pick<PortOutlook, 'running' | 'same_machine'>;

/** The engine gives out ports of the machine that this process is on. */
const isHere = (endpoint: string): boolean =>
  !/^(?:tcp|https?):/.test(endpoint) ||
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(endpoint.replace(/^tcp:/, 'http:')).hostname);

export type DeploymentsService = ReturnType<typeof createDeploymentsService>;

/** Orders about deployments. What they ask for is done by jobs that start with their commit. */
export const createDeploymentsService = (parts: ToolboxParts) => {
  const { database, clock } = parts;

  const requireOn = (): void => {
    if (!parts.settings().enabled) throw new AppError('toolbox_off');
  };

  const viewWith =
    (newest: ReadonlyMap<string, string>) =>
    (row: ListedDeployment): ToolboxDeployment => ({
      ...{ id: row.id, name: row.name, digest: row.digest, state: row.state, step: row.step, message: row.message },
      template: { id: row.template_id, name: row.template_name, icon: row.template_icon },
      newer_template: newest.has(row.template_id) && newest.get(row.template_id) !== row.digest,
      progress: row.progress,
      variables: Object.entries(variablesOfRow(parts, row)).map(([name, value]) =>
        isSecretName(name) ? { name, value: null, secret: true } : { name, value, secret: false },
      ),
      ...{ accepted: row.accepted, containers: row.containers, volumes: row.volumes, ports: row.ports },
      ...{ registry: row.registry_server, auto_route: row.auto_route },
      app:
        row.app_slug === null || row.route_id === null
          ? null
          : { slug: row.app_slug, name: row.app_name ?? row.app_slug, route_id: row.route_id },
      created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    });

  const newest = async (): Promise<Map<string, string>> =>
    new Map((await parts.catalogue.all()).map(({ id, digest }) => [id, digest]));

  const require = async (org_id: string, id: string): Promise<ListedDeployment> => {
    const row = await deploymentsStore.find(database.read, org_id, id);
    if (row === null) throw noDeployment();
    return row;
  };

  const get = async (call: Call, id: string): Promise<ToolboxDeployment> =>
    viewWith(await newest())(await require(call.caller.org_id, id));

  /** What the engine has now that matters for ports; the deployment's own containers are left out. */
  const lookAround = (call: Call, own: string | null): Promise<Surroundings> =>
    askEngine(parts, call.signal, async (engine) => {
      const all = await engine.running(call.signal);
      const running = all.filter(({ Labels }) => own === null || Labels?.[ownLabels.deployment] !== own);
      const inside = all.some(({ Id }) => parts.own_ids.some((one) => Id.startsWith(one)));
      return { running, same_machine: !inside && isHere(parts.engine().endpoint) };
    });

  const portsFor = async (
    tx: Transaction,
    installation: Installation,
    surroundings: Surroundings,
    before: DeploymentRow | null,
  ) => {
    await deploymentsStore.lockEngine(tx.db);
    const held = await deploymentsStore.heldPorts(tx.db, before?.id ?? null);
    const own = before?.ports ?? [];
    return choosePorts(installation.plan.ports, { ...surroundings, held, own });
  };

  const enqueue = (tx: Transaction, row: Pick<DeploymentRow, 'id' | 'turn'>, order: Order): void =>
    tx.enqueue(advanceJob({ id: row.id, turn: row.turn, order, attempt: 0 }));

  /** One order about a row that is held while it is given. */
  const order = async (
    call: Call,
    id: string,
    act: (tx: Transaction, row: DeploymentRow) => Promise<{ row: DeploymentRow; action: string } | null>,
  ): Promise<void> => {
    await database.transaction(call, async (tx) => {
      const row = await deploymentsStore.lock(tx.db, call.caller.org_id, id);
      if (row === null) throw noDeployment();
      const done = await act(tx, row);
      if (done === null) return;
      emitDeployment(tx, 'changed', done.row);
      tx.audit({
        ...{ action: done.action, target_type: 'deployment', target_id: id },
        details: { name: row.name, template: row.template_id },
      });
    });
  };

  const change = async (tx: Transaction, row: DeploymentRow, changes: Parameters<typeof deploymentsStore.change>[3]) =>
    (await deploymentsStore.change(tx.db, row.id, row.turn, { ...changes, turn: row.turn + 1 }, clock.now()))!;

  const usable = async (id: string): Promise<Template> => {
    const template = await parts.catalogue.get(id);
    if (template === null) throw notFound('The template');
    if (template.problem !== null) throw invalid('template', template.problem);
    return template;
  };

  const formerOf = (row: DeploymentRow): FormerInstallation | null => {
    const { state, template_name, template_icon, digest, compose, accepted, generation, volumes, ports } = row;
    // What failed has nothing worth going back to.
    if (state !== 'running' && state !== 'stopped') return null;
    const variables = variablesOfRow(parts, row);
    return { state, template_name, template_icon, digest, compose, variables, accepted, generation, volumes, ports };
  };

  return {
    list: async (
      { caller }: Call,
      input: ParsedInputOf<typeof toolboxDeploymentsList>,
    ): Promise<OutputOf<typeof toolboxDeploymentsList>> => {
      const after = timePosition(input.cursor);
      const filter = { state: input.state ?? null, template: input.template ?? null };
      const page = { limit: input.limit + 1, after };
      const rows = await deploymentsStore.page(database.read, caller.org_id, filter, page);
      const view = viewWith(await newest());
      return {
        enabled: parts.settings().enabled,
        ...toPage(rows, input.limit, ({ created_at, id }) => ({ value: created_at, id }), view),
      };
    },

    get,

    deploy: async (call: Call, input: ParsedInputOf<typeof toolboxDeploy>): Promise<ToolboxDeployment> => {
      requireOn();
      const settings = parts.settings();
      const template = await usable(input.template);
      const name = nameFor(template, input.name);
      const values = input.generate ? withGenerated(input.variables, template.variables) : input.variables;
      const installation = wantedInstallation(parts, template, name, values);
      requireSound(installation);
      requireTicks(installation.plan.dangers, input.accept, call.caller);
      const surroundings = await lookAround(call, null);
      const id = newId();
      const { org_id } = call.caller;
      await database.transaction(call, async (tx) => {
        const ports = await portsFor(tx, installation, surroundings, null);
        if ((await deploymentsStore.count(tx.db, org_id)) >= mostDeployments)
          throw new AppError('plan_limit_exceeded', `An organisation has at most ${mostDeployments} deployments.`, {
            extensions: { limit: 'deployments', max: mostDeployments },
          });
        const by = actorOf(call.caller);
        const row: Omit<DeploymentRow, 'updated_at'> = {
          ...{ id, org_id, name, template_id: template.id, template_name: template.name },
          ...{ template_icon: template.icon, digest: template.digest, compose: template.text },
          variables: seal(parts, id, values),
          registry: input.registry === undefined ? null : seal(parts, id, input.registry),
          registry_server: input.registry?.server ?? null,
          accepted: installation.plan.dangers.map((danger) => danger.id),
          ...{ former: null, state: 'pending', step: 'validate', message: null, progress: null },
          ...{ turn: 1, generation: 1, containers: [], volumes: installation.plan.volumes, ports },
          auto_route: input.route ?? settings.auto_route,
          auto_start: input.start ?? settings.auto_start,
          ...{ remove_volumes: false, app_id: null, route_id: null, target: null },
          ...{ created_by_type: by.type, created_by_id: by.id, created_by_name: by.name },
          created_at: clock.now(),
        };
        if (!(await deploymentsStore.insert(tx.db, row)))
          throw new AppError('name_taken', `A deployment called ${name} is there already; choose another name.`);
        emitDeployment(tx, 'created', row);
        tx.audit({
          ...{ action: 'toolbox.deploy', target_type: 'deployment', target_id: id },
          details: { name, template: template.id, digest: template.digest, accepted: row.accepted },
        });
        enqueue(tx, row, 'install');
      });
      return get(call, id);
    },

    update: async (call: Call, input: ParsedInputOf<typeof toolboxUpdate>): Promise<ToolboxDeployment> => {
      requireOn();
      const before = await require(call.caller.org_id, input.id);
      if (!atRest.includes(before.state)) throw busy(before, '; wait until it is done, or cancel it');
      const template = input.newest_template
        ? await usable(before.template_id)
        : templateOf(before.template_id, 'shipped', before.compose);
      const known = new Set(template.variables.map((one) => one.name));
      const kept = Object.entries(variablesOfRow(parts, before)).filter(([one]) => known.has(one));
      const given = { ...Object.fromEntries(kept), ...input.variables };
      const values = input.generate ? withGenerated(given, template.variables) : given;
      const installation = wantedInstallation(parts, template, before.name, values);
      requireSound(installation);
      requireTicks(installation.plan.dangers, input.accept ?? before.accepted, call.caller);
      const surroundings = await lookAround(call, before.id);
      await order(call, input.id, async (tx, row) => {
        if (!atRest.includes(row.state) || row.turn !== before.turn) throw busy(row, '; look at it again');
        const ports = await portsFor(tx, installation, surroundings, row);
        const former = formerOf(row);
        const { registry } = input;
        const changed = await change(tx, row, {
          ...{ state: 'pending', step: 'validate', message: null, progress: null, ports },
          ...{ template_name: template.name, template_icon: template.icon },
          ...{ digest: template.digest, compose: template.text },
          variables: seal(parts, row.id, values),
          ...(registry === undefined
            ? {}
            : {
                registry: registry === null ? null : seal(parts, row.id, registry),
                registry_server: registry?.server ?? null,
              }),
          accepted: installation.plan.dangers.map((danger) => danger.id),
          former: former === null ? null : seal(parts, row.id, former),
          generation: row.generation + 1,
          // Those of a former template stay known, so that removing the deployment can remove them.
          volumes: [...new Set([...row.volumes, ...installation.plan.volumes])],
          // What somebody stopped stays so.
          auto_start: row.state === 'running' || (row.state !== 'stopped' && row.auto_start),
        });
        enqueue(tx, changed, 'install');
        return { row: changed, action: 'toolbox.update' };
      });
      return get(call, input.id);
    },

    start: async (call: Call, id: string): Promise<ToolboxDeployment> => {
      requireOn();
      await order(call, id, async (tx, row) => {
        if (row.state === 'running') return null;
        if (row.state !== 'stopped' && row.state !== 'error') throw busy(row, '');
        if (row.containers.length === 0) throw busy(row, ' and has no containers; update it');
        const started = { state: 'starting', step: 'start', message: null, progress: null, auto_start: true } as const;
        const changed = await change(tx, row, started);
        enqueue(tx, changed, 'install');
        return { row: changed, action: 'toolbox.start' };
      });
      return get(call, id);
    },

    stop: async (call: Call, id: string): Promise<ToolboxDeployment> => {
      requireOn();
      await order(call, id, async (tx, row) => {
        if (row.state === 'stopped' || row.state === 'stopping') return null;
        if (row.state !== 'running' && row.state !== 'error') throw busy(row, '; cancel it instead');
        const changed = await change(tx, row, { state: 'stopping', step: null, message: null, progress: null });
        enqueue(tx, changed, 'stop');
        return { row: changed, action: 'toolbox.stop' };
      });
      return get(call, id);
    },

    cancel: async (call: Call, id: string): Promise<ToolboxDeployment> => {
      requireOn();
      await order(call, id, async (tx, row) => {
        if (row.state === 'cancelling' || row.state === 'cancelled') return null;
        if (!underWay.includes(row.state)) throw busy(row, ': there is nothing to cancel');
        const changed = await change(tx, row, { state: 'cancelling', message: null, progress: null });
        enqueue(tx, changed, 'cancel');
        return { row: changed, action: 'toolbox.cancel' };
      });
      return get(call, id);
    },

    remove: async (call: Call, { id, volumes }: { id: string; volumes: 'keep' | 'remove' }): Promise<void> => {
      requireOn();
      await order(call, id, async (tx, row) => {
        const remove_volumes = volumes === 'remove';
        const changed = await change(tx, row, {
          ...{ state: 'removing', step: null, message: null, progress: null, remove_volumes },
        });
        enqueue(tx, changed, 'remove');
        return { row: changed, action: 'toolbox.delete' };
      });
    },

    logs: async (call: Call, input: ParsedInputOf<typeof toolboxLogs>): Promise<OutputOf<typeof toolboxLogs>> => {
      const row = await require(call.caller.org_id, input.id);
      const mask = maskFor(parts, row);
      const wanted = row.containers.filter(({ service }) => input.service === undefined || service === input.service);
      const lines = await askEngine(parts, call.signal, (engine) =>
        Promise.all(
          wanted.map(async ({ service, id }) => {
            const found = await engine.logs(id, input.tail, call.signal);
            return found.map(({ stream, time, text }) => ({ service, stream, time, text: mask(text) }));
          }),
        ),
      );
      const byTime = (a: { time: string | null }, b: { time: string | null }): number => {
        const [x, y] = [a.time ?? '', b.time ?? ''];
        return x < y ? -1 : x > y ? 1 : 0;
      };
      return { lines: lines.flat().toSorted(byTime) };
    },

    /** In the transaction that removes an organisation: its rows go, and what is on the engine follows. */
    orgDeleting: async (tx: Transaction, { id: org_id }: { id: string }): Promise<void> => {
      for (const id of await deploymentsStore.ofOrg(tx.db, org_id))
        tx.enqueue({ name: 'clear-deployment', id: `toolbox-clear-${id}`, args: { id, org_id } });
    },
  };
};
