import type {
  gatewayActivity,
  gatewayDashboard,
  gatewaySockets,
  gatewayStats,
  OutputOf,
  ParsedInputOf,
  systemResources,
} from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import type { StoredEvent } from '../../../platform/module.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { backupsStore } from '../backups/backups-store.ts';
import type { HostFacts } from '../server-service.ts';
import { type Machine, MachineReader } from './machine.ts';
import { overviewStore } from './overview-store.ts';

export interface OverviewParts {
  database: Database;
  clock: Clock;
  host: () => HostFacts | null;
  /** What of each event somebody may see, as over a socket. */
  visible: (caller: Caller, events: readonly StoredEvent[]) => Promise<readonly (Record<string, unknown> | null)[]>;
  traffic: (call: Call, input: { days: number }) => Promise<OutputOf<typeof gatewayStats>>;
  devices: (orgId: string) => Promise<{ total: number; online: number }>;
  machine: { host_root: string | null; data_dir: string };
}

type Components = OutputOf<typeof gatewayDashboard>['components'];
type Entry = OutputOf<typeof gatewayActivity>['items'][number];

const prefixes = ['gateway.', 'identity.device.', 'external.activity', 'admin.backup.', 'toolbox.', 'container.'];
/** Looked through for one page, of events that the caller may not all see. */
const batch = 200;
const mostBatches = 10;
const memoryWarning = 512 * 2 ** 20;
const diskWarning = 90;
const cacheMs = 5000;

/** What may be asked often is measured once in five seconds. */
const kept = <T>(clock: Clock, measure: () => Promise<T>): (() => Promise<T>) => {
  let last: { at: number; value: Promise<T> } | null = null;
  return () => {
    const now = clock.now().getTime();
    if (last !== null && now - last.at < cacheMs && now >= last.at) return last.value;
    const value = measure();
    last = { at: now, value };
    value.catch(() => {
      last = null;
    });
    return value;
  };
};

export const createOverviewService = (parts: OverviewParts) => {
  const { database, clock } = parts;
  const reader = new MachineReader(parts.machine);
  const machine = kept(clock, () => reader.read());

  const openHost = (): HostFacts => {
    const host = parts.host();
    if (host === null) throw new AppError('not_ready');
    return host;
  };

  const measured = kept(clock, async (): Promise<Components> => {
    const [checks, now, schedule] = await Promise.all([
      openHost().checks(),
      machine(),
      backupsStore.schedule(database.read),
    ]);
    const part = (name: Components[number]['name'], ok: boolean, good: string, bad: string): Components[number] => ({
      name,
      status: ok ? 'ok' : 'failing',
      detail: ok ? good : bad,
    });
    const mib = Math.round(now.memory.process / 2 ** 20);
    return [
      part('storage', checks['database'] !== false, 'The database answers', 'The database does not answer'),
      part('jobs', checks['jobs'] !== false, 'Durable work is done', 'Durable work waits'),
      part('events', checks['events'] !== false, 'Events arrive', 'Events arrive late'),
      {
        name: 'memory',
        status: now.memory.process > memoryWarning ? 'warning' : 'ok',
        detail: `${mib} MiB in this process`,
      },
      {
        name: 'disk',
        status: now.disk.percent >= diskWarning ? 'warning' : 'ok',
        detail: `${now.disk.percent} % used`,
      },
      {
        name: 'backups',
        status: schedule.last_state === 'failed' ? 'warning' : 'ok',
        detail:
          schedule.last_state === 'failed'
            ? 'The last one failed'
            : schedule.last_at === null
              ? 'None yet'
              : 'The last one is whole',
      },
    ];
  });

  const activity = async (
    caller: Caller,
    filter: { kind: string | undefined; before: number | null; limit: number },
  ): Promise<{ entries: Entry[]; next: number | null }> => {
    const wanted =
      filter.kind === undefined
        ? prefixes
        : prefixes
            .filter((one) => one.startsWith(filter.kind!))
            .concat(prefixes.some((one) => filter.kind!.startsWith(one)) ? [filter.kind] : []);
    const entries: Entry[] = [];
    let before = filter.before;
    for (let turn = 0; turn < mostBatches && wanted.length > 0; turn++) {
      const events = await overviewStore.events(database.read, caller.org_id, {
        prefixes: wanted,
        before,
        limit: batch,
      });
      const bodies = await parts.visible(caller, events);
      for (const [index, event] of events.entries()) {
        before = event.seq;
        const body = bodies[index];
        if (body == null) continue;
        const { seq, kind, id, actor, at } = event;
        entries.push({ seq, kind, id, actor, at: at.toISOString(), body });
        if (entries.length === filter.limit) return { entries, next: before };
      }
      if (events.length < batch) return { entries, next: null };
    }
    return { entries, next: before };
  };

  const quick = async (call: Call) => {
    const [{ days, ...totals }, devices] = await Promise.all([
      parts.traffic(call, { days: 1 }),
      parts.devices(call.caller.org_id),
    ]);
    return { figures: { ...totals, devices }, days };
  };

  return {
    quick: async (call: Call) => (await quick(call)).figures,

    activity: async (call: Call, { cursor, kind, limit }: ParsedInputOf<typeof gatewayActivity>) => {
      if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
        throw new AppError('bad_request', 'The cursor is not one of this list.');
      const before = cursor === undefined ? null : Number(cursor);
      const { entries, next } = await activity(call.caller, { kind, before, limit });
      return { items: entries, next_cursor: next === null ? null : String(next) };
    },

    dashboard: async (call: Call): Promise<OutputOf<typeof gatewayDashboard>> => {
      const [{ figures, days }, components, { entries }] = await Promise.all([
        quick(call),
        measured(),
        activity(call.caller, { kind: undefined, before: null, limit: 10 }),
      ]);
      const sum = (of: (day: (typeof days)[number]) => number): number => days.reduce((all, day) => all + of(day), 0);
      const requests = sum((day) => day.requests);
      const { unhealthy } = figures.targets;
      const proxy: Components[number] = {
        name: 'proxy',
        status: unhealthy > 0 ? 'warning' : 'ok',
        detail: unhealthy === 0 ? 'Every target that was asked answers' : `${unhealthy} targets do not answer`,
      };
      return {
        ...figures,
        sockets: openHost().sockets.list(call.caller.org_id).length,
        today: {
          requests,
          errors: sum((day) => day.errors),
          bytes_in: sum((day) => day.bytes_in),
          bytes_out: sum((day) => day.bytes_out),
          mean_ms: requests === 0 ? 0 : Math.round((sum((day) => day.mean_ms * day.requests) / requests) * 10) / 10,
        },
        components: [...components, proxy],
        activity: entries,
      };
    },

    resources: async (): Promise<OutputOf<typeof systemResources>> => {
      const [now, size]: [Machine, { size: number; connections: number }] = await Promise.all([
        machine(),
        overviewStore.database(database.read),
      ]);
      return { ...now, database: size, measured_at: clock.now().toISOString() };
    },

    sockets: async (call: Call, { cursor, limit }: ParsedInputOf<typeof gatewaySockets>) => {
      const after = timePosition(cursor);
      const rows = openHost()
        .sockets.list(call.caller.org_id)
        .toSorted((a, b) => b.opened_at.getTime() - a.opened_at.getTime() || (a.id < b.id ? 1 : -1))
        .filter(
          ({ opened_at, id }) =>
            after === null ||
            opened_at < after.value ||
            (opened_at.getTime() === after.value.getTime() && id < after.id),
        );
      return toPage(
        rows.slice(0, limit + 1),
        limit,
        ({ opened_at, id }) => ({ value: opened_at, id }),
        ({ opened_at, ...row }) => ({ ...row, opened_at: opened_at.toISOString() }),
      );
    },

    closeSocket: async (call: Call, { id }: { id: string }): Promise<null> => {
      const { sockets } = openHost();
      const row = sockets.list(call.caller.org_id).find((one) => one.id === id);
      if (row === undefined) throw notFound('The socket');
      await database.transaction(call, async (tx) => {
        const details = { principal: row.principal };
        tx.audit({ action: 'gateway.close_socket', target_type: 'socket', target_id: id, details });
      });
      sockets.close(id);
      return null;
    },
  };
};

export type OverviewService = ReturnType<typeof createOverviewService>;
