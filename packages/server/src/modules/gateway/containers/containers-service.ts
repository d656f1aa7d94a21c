import {
  type Container,
  type ContainerAction,
  type ContainerDetails,
  type ContainerOutcome,
  type ContainerStats,
  containerId,
  type containersBatch,
  type containersList,
  type containersListStats,
  type containersStartAll,
  type containersStatus,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import { Turns } from '../discovery/turns.ts';
import type { Listed, Runtime } from '../runtime/runtime.ts';
import { markApps } from './app-marks.ts';
import { subjectOf } from './container-refs.ts';
import { containerEvents } from './containers-events.ts';
import type { ContainersParts } from './containers-parts.ts';
import { containersStore } from './containers-store.ts';
import { containerView, detailsView, isOwn, statsView } from './containers-views.ts';
import { engineError, hintFor } from './engine.ts';
import { StatsBoard } from './stats-board.ts';

const mostAtOnce = 100;
const actsAtOnce = 8;
const statsMs = 15_000;
const statusMs = 8000;

const isId = (text: string): boolean => containerId.safeParse(text).success;
const placeOf = ({ group, name }: Listed): string => `${group ?? ''}\u0001${name}`;
const byPlace = (a: Listed, b: Listed): number => {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x === y ? (a.id < b.id ? -1 : 1) : x < y ? -1 : 1;
};

type Filter = Pick<ParsedInputOf<typeof containersList>, 'q' | 'state' | 'group'>;

const matches = (one: Listed, { q, state, group }: Filter): boolean => {
  if (state !== undefined && one.state !== state) return false;
  if (group !== undefined && one.group !== group) return false;
  if (q === undefined || q === '') return true;
  const wanted = q.toLowerCase();
  return [one.name, one.image, one.group ?? '', one.id].some((text) => text.toLowerCase().includes(wanted));
};

export type ContainersService = ReturnType<typeof createContainersService>;

export const createContainersService = (parts: ContainersParts) => {
  const { database, clock, engine, own_ids } = parts;
  const board = new StatsBoard();
  const turns = new Turns(actsAtOnce);

  /** Asks the engine; what it throws is told in words of the contract. */
  const asking = async <T>(call: Call, ask: (runtime: Runtime) => Promise<T>): Promise<T> => {
    try {
      return await ask(await engine.runtime());
    } catch (error) {
      throw engineError(error, call.signal);
    }
  };

  const listed = async (call: Call, filter: Filter): Promise<Listed[]> =>
    asking(call, async (runtime) =>
      (await runtime.list(call.signal)).filter((one) => matches(one, filter)).toSorted(byPlace),
    );

  const viewed = async (call: Call, one: Listed): Promise<Container> =>
    containerView(one, await containersStore.routes(database.read, call.caller.org_id), own_ids);

  /** Does it, and writes down that it was done, or that it was not. */
  const act = async (call: Call, id: string, action: ContainerAction, timeout: number): Promise<Listed> => {
    const before = await asking(call, (runtime) => runtime.inspect(id, call.signal));
    const { kind: runtimeKind } = await engine.runtime();
    const told = { container_id: before.id, name: before.name, image: before.image, runtime: runtimeKind };
    const subject = subjectOf(runtimeKind, before.id);
    const recorded = { action: `containers.${action}`, target_type: 'container', target_id: before.id };
    try {
      if (action !== 'start' && isOwn(before.id, own_ids))
        throw new AppError('container_action_failed', 'Atrium itself runs in this container; stop it from outside.');
      // Once begun it is seen through, also when the caller goes away: half a restart is an outage.
      await asking(call, (runtime) => runtime.act(before.id, action, timeout, new AbortController().signal));
    } catch (error) {
      const { code, message } = error instanceof AppError ? error : { code: 'internal', message: 'unknown' };
      await database.transaction(call, async (tx) => {
        tx.emit({ kind: containerEvents.failed, id: subject, body: { ...told, action, code, detail: message } });
        tx.audit({ ...recorded, details: { name: before.name, image: before.image, failed: code } });
      });
      throw error;
    }
    await database.transaction(call, async (tx) => {
      await markApps(tx, clock, before, action !== 'stop');
      tx.emit({ kind: containerEvents[action], id: subject, body: told });
      tx.audit({ ...recorded, details: { name: before.name, image: before.image } });
    });
    return asking(call, (runtime) => runtime.inspect(before.id, call.signal));
  };

  const outcome = async (
    call: Call,
    { id, name }: { id: string; name: string | null },
    action: ContainerAction,
    timeout: number,
  ): Promise<ContainerOutcome> => {
    try {
      const after = await turns.take(() => act(call, id, action, timeout));
      return { id: after.id, name: after.name, ok: true, state: after.state, error: null };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { id, name, ok: false, state: null, error: { code: error.code, detail: error.message } };
    }
  };

  const batch = async (
    call: Call,
    chosen: readonly { id: string; name: string | null }[],
    action: ContainerAction,
    timeout: number,
  ): Promise<OutputOf<typeof containersBatch>> => {
    const results = await Promise.all(chosen.map((one) => outcome(call, one, action, timeout)));
    const done = results.filter(({ ok }) => ok).length;
    return { done, failed: results.length - done, results };
  };

  return {
    status: async (call: Call): Promise<OutputOf<typeof containersStatus>> => {
      const nothing = { read: false, control: false, stats: false, logs: false };
      const told = { missing_rights: [], error: null, hint: null };
      if (engine.off) {
        const hint = 'Turn it on: ATRIUM_CONTAINERS_RUNTIME=auto';
        return { runtime: null, endpoint: null, state: 'off', can: nothing, ...told, hint };
      }
      let runtime: Runtime | null = null;
      try {
        runtime = await engine.runtime();
        const signal = AbortSignal.any([call.signal, AbortSignal.timeout(statusMs)]);
        const { missing, hint, read, control, stats, logs } = await runtime.rights(signal);
        const { kind, endpoint } = runtime;
        const state = missing.length === 0 ? 'ready' : 'limited';
        const can = { read, control, stats, logs };
        return { runtime: kind, endpoint, state, can, missing_rights: missing, error: null, hint };
      } catch (error) {
        if (call.signal.aborted) throw error;
        const [message, hint] =
          error instanceof AppError
            ? [error.message, (error.extensions['hint'] as string | null | undefined) ?? null]
            : [error instanceof Error ? error.message : String(error), hintFor(error)];
        const about = { runtime: runtime?.kind ?? null, endpoint: runtime?.endpoint ?? null };
        return { ...about, state: 'unreachable', can: nothing, missing_rights: [], error: message, hint };
      }
    },

    list: async (call: Call, input: ParsedInputOf<typeof containersList>): Promise<OutputOf<typeof containersList>> => {
      const after = textPosition(input.cursor, isId);
      const all = await listed(call, input);
      const rest =
        after === null
          ? all
          : all.filter((one) => placeOf(one) > after.value || (placeOf(one) === after.value && one.id > after.id));
      const routes = await containersStore.routes(database.read, call.caller.org_id);
      return toPage(
        rest.slice(0, input.limit + 1),
        input.limit,
        (one) => ({ value: placeOf(one), id: one.id }),
        (one) => containerView(one, routes, own_ids),
      );
    },

    get: async (call: Call, id: string): Promise<ContainerDetails> => {
      const one = await asking(call, (runtime) => runtime.inspect(id, call.signal));
      return detailsView(one, await containersStore.routes(database.read, call.caller.org_id), own_ids);
    },

    stats: (call: Call, id: string): Promise<ContainerStats> =>
      asking(call, async (runtime) => statsView(await board.of(runtime, id, AbortSignal.timeout(statsMs)))),

    listStats: async (
      call: Call,
      input: ParsedInputOf<typeof containersListStats>,
    ): Promise<OutputOf<typeof containersListStats>> => {
      const after = textPosition(input.cursor, isId);
      const running = (await listed(call, { state: 'running' })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const rest = after === null ? running : running.filter(({ id }) => id > after.id);
      const asked = rest.slice(0, input.limit).map(({ id }) => id);
      const patience = AbortSignal.timeout(statsMs);
      const readings = await asking(call, (runtime) => board.all(runtime, asked, patience));
      const { next_cursor } = toPage(
        rest.slice(0, input.limit + 1),
        input.limit,
        ({ id }) => ({ value: '', id }),
        () => 0,
      );
      return { items: readings.map(statsView), next_cursor };
    },

    start: async (call: Call, id: string): Promise<Container> => viewed(call, await act(call, id, 'start', 0)),
    stop: async (call: Call, input: { id: string; timeout: number }): Promise<Container> =>
      viewed(call, await act(call, input.id, 'stop', input.timeout)),
    restart: async (call: Call, input: { id: string; timeout: number }): Promise<Container> =>
      viewed(call, await act(call, input.id, 'restart', input.timeout)),

    batch: (call: Call, { ids, action, timeout }: ParsedInputOf<typeof containersBatch>) =>
      batch(
        call,
        [...new Set(ids)].map((id) => ({ id, name: null })),
        action,
        timeout,
      ),

    /** Everything that matches and for which there is something to do. */
    all: async (call: Call, action: ContainerAction, input: ParsedInputOf<typeof containersStartAll>) => {
      const idle = (one: Listed): boolean => one.state === 'stopped' || one.state === 'failed';
      const chosen = (await listed(call, input)).filter(
        (one) => one.controllable && !isOwn(one.id, own_ids) && idle(one) === (action === 'start'),
      );
      if (chosen.length > mostAtOnce) {
        const detail = `${chosen.length} containers match, and a call acts on ${mostAtOnce} at most; narrow the filter.`;
        throw new AppError('too_many_containers', detail, { extensions: { matched: chosen.length } });
      }
      return batch(call, chosen, action, input.timeout);
    },

    asking,
    board,
  };
};
