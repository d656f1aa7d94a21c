import type { RestoreOutcome, RestoreRequest } from '../modules/admin/backups-module.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { type ConfigValues, localOrigin } from '../platform/config/config.ts';
import { createJobsHost } from '../platform/jobs/jobs-host.ts';
import { type CircuitBreakers, createCircuitBreakers } from '../platform/net/circuit-breaker.ts';
import type { Siblings } from '../platform/processes/siblings.ts';
import { EventFanOut } from '../platform/sockets/event-fan-out.ts';
import type { EventSource } from '../platform/sockets/event-source.ts';
import { EventVisibility } from '../platform/sockets/event-visibility.ts';
import { LoadHistory } from '../platform/telemetry/load-history.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../platform/telemetry/metrics.ts';
import { createTracing, type Tracing } from '../platform/telemetry/tracing.ts';
import { createConfigReloading } from './config-reloading.ts';
import { type Doors, openDoors } from './doors.ts';
import { openEventSinks } from './event-sinks.ts';
import { createLimits, type Limits } from './limits.ts';
import { createModules, type LiveConfig, type Modules } from './modules.ts';
import { openStorage, type Storage } from './storage.ts';
import { openTls, type Tls } from './tls.ts';

export interface App {
  /** Where it really listens. */
  address: string;
  public_url: string;
  /** Leads to the page that makes the first owner; null once that is done. */
  setup_url: string | null;
  /** Where the rows are, in words. */
  storage: string;
  /** Where further processes of this server find the database in the data directory; null with one of DATABASE_URL. */
  embedded_url: string | null;
  /** Reads the settings file and the directory of apps and routes again. */
  reload(): Promise<void>;
  /** Finishes what runs, refuses what is new, closes everything. */
  close(): Promise<void>;
}

export interface AppOptions {
  values: ConfigValues;
  clock: Clock;
  log: Logger;
  version: string;
  /** Folder of the built web app; null serves none. */
  web_root: string | null;
  /** The other processes of this server. */
  siblings: Siblings;
  /** 1 is the first process of this server, which prepares the first sign-in and does the durable work. */
  process_number: number;
  /** An abort ends the start: what it opened is closed again, and it rejects. */
  stopping: AbortSignal;
  /** Asked for while the server runs: close it, restore, start it again. */
  restart?: (request: RestoreRequest) => void;
  /** What came of the restore that this start follows. */
  restored?: RestoreOutcome | null;
}

const eventSource = ({ dispatcher }: Storage): EventSource => ({
  subscribe: (listener, onGap) => dispatcher.subscribe(listener, onGap),
  replay: async (orgId, since, limit) => {
    const replay = await dispatcher.replay(orgId, since, limit);
    return replay.kind === 'events' ? replay.events : null;
  },
  head: (orgId) => dispatcher.cursor(orgId),
});

/** Other files may hold the certificate from now on. */
const withCertificates = (live: LiveConfig, tls: Tls): LiveConfig => ({
  ...live,
  replace: async (...change) => {
    const taken = await live.replace(...change);
    tls.reload();
    return taken;
  },
});

/** Builds the server from its parts, lowest first, and opens its doors. */
export const startApp = async (options: AppOptions): Promise<App> => {
  const { values, clock, log, stopping } = options;
  const metrics = createMetrics({ processMetrics: true, version: options.version });
  const storage = await openStorage(values, clock, log, stopping, metrics);
  const closers: (() => Promise<void>)[] = [storage.close];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await buildOn(storage, options, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function buildOn(
    opened: Storage,
    given: AppOptions,
    later: (() => Promise<void>)[],
    close: () => Promise<void>,
  ): Promise<App> {
    const tracing = await createTracing({
      endpoint: values.config.telemetry.otlpEndpoint,
      service_name: 'atrium',
      version: given.version,
    });
    // Before what makes spans, hence closed after it: the last ones are sent too.
    if (tracing !== null) later.push(tracing.close);
    metrics.gatherFrom(given.siblings);
    const limits = await createLimits(values, opened, clock, log, metrics);
    later.push(limits.close);
    let origin = values.config.server.publicUrl;
    let tls: Tls | null = null;
    const publicUrl = () => origin ?? '';
    const breakers = createCircuitBreakers(clock);
    const modules = await createModules({
      values,
      breakers,
      metrics,
      storage: opened,
      limits,
      clock,
      log,
      public_url: publicUrl,
      served_pins: () => tls?.pins() ?? [],
      version: given.version,
      siblings: given.siblings,
      process_number: given.process_number,
      ...(given.restart === undefined ? {} : { restart: given.restart }),
    });
    later.push(modules.close);
    tls = openTls(values, modules.list, log);
    later.push(async () => tls?.stop());
    clock.onMovedBack?.(modules.clock_moved_back);
    stopping.throwIfAborted();
    const jobs = startJobs(opened, modules, tracing);
    later.push(() => jobs.stop());
    const fanOut = joinEvents(opened, modules);
    const sinks = openEventSinks({ values, storage: opened, clock, log, public_url: publicUrl });
    if (sinks !== null) later.push(() => sinks.stop());
    const doors = await open(
      opened,
      limits,
      modules,
      tls,
      fanOut,
      tracing,
      breakers,
      metrics,
      publicUrl,
      () => values.config.server.role === 'api' || jobs.running,
    );
    modules.host_opened(doors.facts);
    if (sinks !== null) metrics.sinks(() => sinks.states);
    later.push(doors.close);
    later.push(async () => modules.release());
    await opened.dispatcher.start();
    await modules.start();
    stopping.throwIfAborted();
    await jobs.start();
    sinks?.start();
    stopping.throwIfAborted();
    tls.start();
    const { port } = await doors.http.listen();
    await modules.listening(port);
    const reloading = createConfigReloading({ values, live: withCertificates(modules.live, tls), log });
    later.push(reloading.stop);
    await reloading.start();
    origin ??= localOrigin(values.config.tls.mode, port);
    if (given.restored != null) await modules.restored(given.restored);
    const token = given.process_number === 1 ? await modules.setup_token() : null;
    const setupUrl = token === null ? `${origin}/setup` : `${origin}/setup?token=${encodeURIComponent(token)}`;
    const { host } = values.config.server;
    const setupDone = await modules.setup_done();
    stopping.throwIfAborted();
    return {
      address: `${tls.door === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
      public_url: origin,
      setup_url: setupDone ? null : setupUrl,
      storage: opened.description,
      embedded_url: values.secrets.databaseUrl === null ? opened.url : null,
      reload: reloading.reload,
      close,
    };
  }

  function startJobs(opened: Storage, modules: Modules, tracing: Tracing | null) {
    return createJobsHost({
      url: opened.url,
      db: opened.database.read,
      clock,
      log,
      role: values.config.server.role,
      jobs: modules.list.flatMap((module) => module.jobs ?? []),
      tracing,
      sweeps: [...modules.platform_sweeps, ...modules.list.flatMap((module) => module.sweeps ?? [])],
    });
  }

  function joinEvents(opened: Storage, modules: Modules): EventFanOut {
    for (const module of modules.list) if (module.onEvent !== undefined) opened.dispatcher.subscribe(module.onEvent);
    const fanOut = new EventFanOut({
      source: eventSource(opened),
      visibility: new EventVisibility(modules.list.flatMap((module) => module.eventFilters ?? [])),
      refresh: modules.refresh,
      logger: log,
    });
    modules.follow(fanOut);
    return fanOut;
  }

  function open(
    opened: Storage,
    limits: Limits,
    modules: Modules,
    tls: Tls,
    fanOut: EventFanOut,
    tracing: Tracing | null,
    breakers: CircuitBreakers,
    counted: Metrics,
    publicUrl: () => string,
    jobsReady: () => boolean,
  ): Promise<Doors> {
    const history = new LoadHistory(clock, counted.readings.requests);
    closers.push(async () => history.stop());
    return openDoors({
      metrics: counted,
      history,
      values,
      storage: opened,
      limits,
      modules: modules.list,
      fan_out: fanOut,
      authenticate: modules.authenticate,
      client_caller: modules.client_caller,
      can_see: modules.can_see,
      presence: modules.presence,
      socket_logs: modules.socket_logs,
      denied_address: modules.denied_address,
      on_tool_call: modules.on_tool_call,
      jobs_ready: jobsReady,
      tracing,
      breakers,
      public_url: publicUrl,
      certificate_of: modules.certificate_of,
      tls: tls.door,
      version: options.version,
      web_root: options.web_root,
      clock,
      log,
    });
  }
};
