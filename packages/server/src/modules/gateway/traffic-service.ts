import type {
  accessLine,
  accessLog,
  accessTail,
  appsFigures,
  gatewayHours,
  gatewayInfo,
  gatewayStats,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import type { z } from 'zod';
import { AppError } from '../../platform/errors/app-error.ts';
import { ownHostNames } from '../../platform/http/host-names.ts';
import type { StreamAnswer } from '../../platform/operations/binding.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { AppsService } from './apps-service.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { statsStore } from './stats-store.ts';
import type { AccessRecord } from './traffic/access-book.ts';
import { createSharedLog } from './traffic/shared-log.ts';

const dayMs = 24 * 60 * 60 * 1000;
const dayOf = (at: Date): string => at.toISOString().slice(0, 10);
const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / hourMs) * hourMs);
/** Stands for strangers in the table. */
const nobody = '00000000-0000-0000-0000-000000000000';
/** Lines that a slow reader has not taken yet; more than that are dropped, and it is told how many. */
const tailBuffer = 1000;
const hourMs = 60 * 60 * 1000;
const keptDays = 90;
const keptHours = 8 * 24;
const mostApps = 500;

const present = (line: AccessRecord): z.infer<typeof accessLine> => ({
  id: line.id,
  at: new Date(line.at).toISOString(),
  app: line.owner?.app ?? null,
  route_id: line.owner?.route_id ?? null,
  principal: line.principal,
  address: line.address,
  method: line.method,
  host: line.host,
  path: line.path,
  status: line.status,
  outcome: line.outcome,
  bytes_in: line.bytes_in,
  bytes_out: line.bytes_out,
  duration_ms: line.duration_ms,
  target: line.target,
});

/** What went through the lanes of this server, and the sums of all. */
export const createTrafficService = (parts: GatewayParts, apps: AppsService) => {
  const { database, clock } = parts;
  const shared = createSharedLog({ book: parts.traffic, siblings: parts.siblings, holder: parts.holder });
  return {
    log: async ({ caller }: Call, input: ParsedInputOf<typeof accessLog>): Promise<OutputOf<typeof accessLog>> => {
      const point = timePosition(input.cursor, (id) => id.length <= 200);
      const hundreds = input.status === undefined ? null : Number(input.status[0]);
      const found = await shared.find({
        ...{ org_id: caller.org_id, app: input.app, principal_id: input.principal_id, q: input.q, hundreds },
        before: point === null ? null : { at: point.value.getTime(), id: point.id },
        limit: input.limit + 1,
      });
      return toPage(found, input.limit, ({ at, id }) => ({ value: new Date(at), id }), present);
    },

    tail: async (call: Call, { app }: ParsedInputOf<typeof accessTail>): Promise<StreamAnswer> => {
      const { caller, signal } = call;
      async function* events(): StreamAnswer['events'] extends AsyncIterable<infer E> ? AsyncGenerator<E> : never {
        const waiting: AccessRecord[] = [];
        let dropped = 0;
        let wake = Promise.withResolvers<void>();
        const stop = shared.follow(
          { org_id: caller.org_id, app },
          (line) => {
            if (waiting.length < tailBuffer) waiting.push(line);
            else dropped += 1;
            wake.resolve();
          },
          (lines) => {
            dropped += lines;
            wake.resolve();
          },
        );
        const onAbort = (): void => wake.resolve();
        signal.addEventListener('abort', onAbort, { once: true });
        try {
          yield { comment: 'open' };
          while (!signal.aborted) {
            await wake.promise;
            wake = Promise.withResolvers<void>();
            for (const line of waiting.splice(0))
              yield { event: 'line', id: line.id, data: JSON.stringify(present(line)) };
            if (dropped > 0) yield { event: 'skipped', data: JSON.stringify({ lines: dropped }) };
            dropped = 0;
          }
        } finally {
          stop();
          signal.removeEventListener('abort', onAbort);
        }
      }
      return { events: events() };
    },

    stats: async (
      { caller }: Call,
      input: ParsedInputOf<typeof gatewayStats>,
    ): Promise<OutputOf<typeof gatewayStats>> => {
      const first = dayOf(new Date(clock.now().getTime() - (input.days - 1) * dayMs));
      const [totals, rows] = [
        await statsStore.totals(database.read, caller.org_id),
        await statsStore.since(database.read, caller.org_id, first, input.app),
      ];
      const { apps, routes, healthy, unhealthy, unknown, proposals_pending } = totals;
      return {
        apps,
        routes,
        targets: { healthy, unhealthy, unknown },
        proposals_pending,
        days: rows.map((row) => ({
          day: row.day,
          app: row.app,
          principal:
            row.principal_id === nobody || row.principal_type === null
              ? null
              : { type: row.principal_type as 'user', id: row.principal_id, name: row.principal_name },
          requests: row.requests,
          errors: row.errors,
          bytes_in: row.bytes_in,
          bytes_out: row.bytes_out,
          mean_ms: row.requests === 0 ? 0 : Math.round((row.duration_ms / row.requests) * 10) / 10,
        })),
      };
    },

    hours: async (
      { caller }: Call,
      { hours, app }: ParsedInputOf<typeof gatewayHours>,
    ): Promise<OutputOf<typeof gatewayHours>> => {
      const first = hourOf(clock.now()).getTime() - (hours - 1) * hourMs;
      const rows = await statsStore.byHour(database.read, caller.org_id, new Date(first), app);
      return {
        hours: Array.from({ length: hours }, (_, index) => new Date(first + index * hourMs).toISOString()),
        items: rows.map(({ hour, duration_ms, ...row }) => ({
          ...row,
          hour: hour.toISOString(),
          mean_ms: row.requests === 0 ? 0 : Math.round((duration_ms / row.requests) * 10) / 10,
        })),
      };
    },

    ofApps: async (
      { caller }: Call,
      { days }: ParsedInputOf<typeof appsFigures>,
    ): Promise<OutputOf<typeof appsFigures>> => {
      const now = clock.now().getTime();
      const dates = Array.from({ length: days }, (_, index) => dayOf(new Date(now - (days - 1 - index) * dayMs)));
      const open = [...(await apps.openViews(database.read, caller)).values()].filter(
        ({ routes }) => routes.length > 0,
      );
      const rows = await statsStore.byApp(
        database.read,
        caller.org_id,
        dates[0]!,
        open.map(({ slug }) => slug),
      );
      const items = [...Map.groupBy(rows, ({ app }) => app)].map(([app, own]) => {
        const by = new Map(own.map((row) => [row.day, row]));
        const of = (pick: (row: (typeof own)[number]) => number): number[] =>
          dates.map((day) => {
            const row = by.get(day);
            return row === undefined ? 0 : pick(row);
          });
        return {
          app,
          requests: of((row) => row.requests),
          errors: of((row) => row.errors),
          bytes_out: of((row) => row.bytes_out),
          mean_ms: dates.map((day) => {
            const row = by.get(day);
            return row === undefined || row.requests === 0
              ? null
              : Math.round((row.duration_ms / row.requests) * 10) / 10;
          }),
        };
      });
      const sum = ({ requests }: { requests: number[] }): number => requests.reduce((a, b) => a + b, 0);
      return { days: dates, items: items.toSorted((a, b) => sum(b) - sum(a)).slice(0, mostApps) };
    },

    info: async ({ caller }: Call): Promise<OutputOf<typeof gatewayInfo>> => {
      const { base_domain, default_mode, extra_hosts } = parts.settings();
      return {
        base_domain,
        default_mode,
        own_hosts: ownHostNames(parts.public_url(), extra_hosts),
        config_file: caller.is_operator ? parts.config_file() : null,
        waiting_for_restart: [...parts.waiting_for_restart()],
      };
    },

    /** Brings the counts of this process into the table. Those of a failed attempt come again with the next. */
    flush: (() => {
      type Delta = ReturnType<NonNullable<ReturnType<GatewayParts['traffic']>>['flushDeltas']>[number];
      let pending: (Delta & { hour: string })[] = [];
      return async (): Promise<void> => {
        const hour = hourOf(clock.now()).toISOString();
        const fresh = (parts.traffic()?.flushDeltas() ?? []).map((delta) => ({ ...delta, hour }));
        const deltas = [...pending, ...fresh];
        pending = [];
        if (deltas.length === 0) return;
        const rows = new Map<string, Parameters<typeof statsStore.add>[1][number]>();
        const hours = new Map<string, Parameters<typeof statsStore.add>[2][number]>();
        for (const delta of deltas) {
          const principal_id = delta.principal?.id ?? nobody;
          const key = `${delta.app_id} ${delta.day} ${principal_id}`;
          const before = rows.get(key);
          rows.set(key, {
            ...{ org_id: delta.org_id, app_id: delta.app_id, day: delta.day, principal_id },
            principal_type: delta.principal?.id == null ? null : delta.principal.type,
            principal_name: delta.principal?.name ?? '',
            requests: delta.requests + (before?.requests ?? 0),
            errors: delta.errors + (before?.errors ?? 0),
            bytes_in: delta.bytes_in + (before?.bytes_in ?? 0),
            bytes_out: delta.bytes_out + (before?.bytes_out ?? 0),
            duration_ms: delta.duration_ms + (before?.duration_ms ?? 0),
          });
          const at = `${delta.app_id} ${delta.hour}`;
          const sum = hours.get(at);
          hours.set(at, {
            ...{ org_id: delta.org_id, app_id: delta.app_id, hour: delta.hour },
            requests: delta.requests + (sum?.requests ?? 0),
            errors: delta.errors + (sum?.errors ?? 0),
            bytes_in: delta.bytes_in + (sum?.bytes_in ?? 0),
            bytes_out: delta.bytes_out + (sum?.bytes_out ?? 0),
            duration_ms: delta.duration_ms + (sum?.duration_ms ?? 0),
          });
        }
        try {
          await statsStore.add(database.read, [...rows.values()], [...hours.values()]);
        } catch (error) {
          // While the database is away they gather, up to what a long outage of many apps makes.
          pending = deltas.slice(-100_000);
          throw new AppError('not_ready', 'counts could not be written', { cause: error });
        }
      };
    })(),

    pendingProposals: (): Promise<number> => statsStore.pendingProposals(database.read),

    prune: (): Promise<void> =>
      statsStore.prune(
        database.read,
        dayOf(new Date(clock.now().getTime() - keptDays * dayMs)),
        new Date(clock.now().getTime() - keptHours * hourMs),
      ),
  };
};
export type TrafficService = ReturnType<typeof createTrafficService>;
