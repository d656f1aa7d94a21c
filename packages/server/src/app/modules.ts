import { basename, dirname, join, parse, resolve } from 'node:path';
import { sql } from 'kysely';
import { adminModule } from '../modules/admin/admin-module.ts';
import type { RestoreOutcome, RestoreRequest } from '../modules/admin/backups-module.ts';
import { createHooksModule } from '../modules/admin/hooks-module.ts';
import {
  createAuditService,
  createIngestService,
  createServerService,
  createSettingsService,
  type HostFacts,
} from '../modules/admin/index.ts';
import { createOverviewModule } from '../modules/admin/overview-module.ts';
import { createDiariesModule } from '../modules/diaries/index.ts';
import { createDiscoveryModule, type DiscoveryModule } from '../modules/gateway/discovery-module.ts';
import { createGatePart, type GatePart } from '../modules/gateway/gate-module.ts';
import { createGatewayModule, type GatewayModule, gatewaySettingsOf, isDocument } from '../modules/gateway/index.ts';
import { createLanesPart, type LanesPart } from '../modules/gateway/lanes-module.ts';
import { identityModule } from '../modules/identity/identity-module.ts';
import { createIdentity, type Identity, identityEvents } from '../modules/identity/index.ts';
import { createInboxModule, type InboxModule } from '../modules/inbox/index.ts';
import { type ClientCertificates, createOauth, type Oauth } from '../modules/oauth/index.ts';
import { oauthModule } from '../modules/oauth/oauth-module.ts';
import { createOperatorsPart } from '../modules/oauth/operators-module.ts';
import { createForgetInAudit } from '../platform/audit/audit-redaction.ts';
import { createAuditStore } from '../platform/audit/audit-store.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { Config, ConfigValues } from '../platform/config/config.ts';
import { pruneEvents } from '../platform/events/event-store.ts';
import { SampledFacts } from '../platform/events/sampled-facts.ts';
import { deleteUnreferencedBlobs } from '../platform/files/blob-references.ts';
import type { FileStore } from '../platform/files/file-store.ts';
import { type CertificateOf, noCertificates } from '../platform/http/client-certificate.ts';
import type { Authenticate, HttpHostOptions } from '../platform/http/http-options.ts';
import { newId } from '../platform/ids/ids.ts';
import { deleteExpiredCounters } from '../platform/limits/postgres-limiter.ts';
import { addressKey } from '../platform/limits/rate-limiter.ts';
import { createFileTransport } from '../platform/mail/file-transport.ts';
import type { MailTransport } from '../platform/mail/mail.ts';
import { createSmtpTransport } from '../platform/mail/smtp-transport.ts';
import type { ToolCallSeen } from '../platform/mcp/mcp-face.ts';
import type { EventFilter, Module } from '../platform/module.ts';
import { systemResolve } from '../platform/net/address-guard.ts';
import type { CircuitBreakers } from '../platform/net/circuit-breaker.ts';
import { createGuardedFetch, type GuardedFetch } from '../platform/net/guarded-fetch.ts';
import { internalCall } from '../platform/operations/call.ts';
import { type Caller, systemCaller } from '../platform/operations/caller.ts';
import type { Siblings } from '../platform/processes/siblings.ts';
import type { RotationVisit } from '../platform/secrets/secret-box.ts';
import { createSettingsStore, type SettingsStore } from '../platform/settings/settings-store.ts';
import type { EventFanOut } from '../platform/sockets/event-fan-out.ts';
import { eventsFor } from '../platform/sockets/event-stream.ts';
import { EventVisibility } from '../platform/sockets/event-visibility.ts';
import type { SocketLogs } from '../platform/sockets/socket-options.ts';
import { HourlyCounts } from '../platform/telemetry/hourly-counts.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { createArchiveKey } from './archive-key.ts';
import { openBackups } from './backups.ts';
import { capabilitiesOf } from './capabilities.ts';
import { openCertificates } from './certificates.ts';
import { openClientCertificates } from './client-certificates.ts';
import { engineSettings, openContainers } from './containers.ts';
import { openEmbedder } from './embeddings.ts';
import { addEventFamilies } from './event-metrics.ts';
import { sinkAddresses } from './event-sinks.ts';
import { openFederation } from './federation.ts';
import { openFiles, openImportFolder } from './files.ts';
import { createGatewayMetrics, type GatewayCounting } from './gateway-metrics.ts';
import type { Limits } from './limits.ts';
import { type Counting, createOauthMetrics } from './oauth-metrics.ts';
import { createOverviewMetrics } from './overview-metrics.ts';
import { openScripts } from './scripts.ts';
import type { Storage } from './storage.ts';
import { openToolbox } from './toolbox.ts';
import { openTools } from './tools.ts';

export interface ModulesOptions {
  values: ConfigValues;
  breakers: CircuitBreakers;
  metrics: Metrics;
  storage: Storage;
  limits: Limits;
  clock: Clock;
  log: Logger;
  public_url: () => string;
  /** Of the certificates that are served, for devices. */
  served_pins: () => readonly string[];
  version: string;
  siblings: Siblings;
  /** 1 is the first process of this server. */
  process_number: number;
  /** Stops this server, restores a backup, starts it again; programs that only look have none. */
  restart?: (request: RestoreRequest) => void;
}

/** The modules, and the few things that the hosts ask of them. */
export interface Modules {
  list: readonly Module[];
  platform_sweeps: NonNullable<Module['sweeps']>;
  /** Everything that is stored under the master key, for its replacement. */
  rotations: readonly RotationVisit[];
  /** Signs again what a derived key of an earlier master key signed. */
  renew_signatures: () => Promise<number>;
  authenticate: Authenticate;
  client_caller: Oauth['clientCaller'];
  refresh: (caller: Caller) => Promise<Caller | null>;
  /** Told of the sockets of every caller. */
  presence: Identity['presence'];
  socket_logs: SocketLogs;
  certificate_of: CertificateOf;
  denied_address: NonNullable<HttpHostOptions['denied_address']>;
  /** Before the doors open. */
  start: () => Promise<void>;
  /** The port is known once the server listens. */
  listening: (port: number) => Promise<void>;
  /** What of the configuration is applied while the server runs. */
  live: LiveConfig;
  can_see: (caller: Caller, itemId: string) => Promise<boolean>;
  on_tool_call: (seen: ToolCallSeen) => void;
  /** Modules that stream events themselves learn here where they come from. */
  follow: (fanOut: EventFanOut) => void;
  /** Operators ask here what the doors know, once these are open. */
  host_opened: (facts: HostFacts) => void;
  /** To be printed at start; null when there is none to print. */
  setup_token: () => Promise<string | null>;
  setup_done: () => Promise<boolean>;
  /** Ends long waits, so that a drain need not wait for them. */
  release: () => void;
  /** What came of the restore that this start follows. */
  restored: (outcome: RestoreOutcome) => Promise<void>;
  /** The machine's clock was set back by so much. */
  clock_moved_back: (ms: number) => void;
  close: () => Promise<void>;
}

/** Where a changed configuration goes. */
export interface LiveConfig {
  /** The values from now on, with the keys that are applied and those that wait for a restart. */
  replace: (values: ConfigValues, applied: readonly string[], waiting: readonly string[]) => Promise<boolean>;
  /** The file was refused. */
  refuse: (problems: readonly string[]) => Promise<boolean>;
  /** Counts a reading. */
  reloaded: GatewayCounting['reloaded'];
  /** To be watched. */
  directories: () => readonly string[];
  /** Is this the name of a file that counts there? Other programs write into such directories too. */
  matters: (directory: string, name: string) => boolean;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Replay window of events: a day, or so many of one organisation. */
const eventsKept = 10_000;

/** Where letters come from when nothing says so: the host that people know, which also answers for it by SPF. */
const senderOf = (values: ConfigValues, publicUrl: () => string): string =>
  values.config.mail.from ?? `Atrium <atrium@${new URL(publicUrl() || 'http://localhost').hostname}>`;

const openMail = ({ values, clock, log, public_url }: ModulesOptions): MailTransport => {
  const { smtp } = values.config.mail;
  const from = () => senderOf(values, public_url);
  if (smtp !== null) {
    return createSmtpTransport({ ...smtp, password: values.secrets.smtpPassword?.reveal() ?? null, from });
  }
  const directory = join(values.config.server.dataDir, 'mail');
  return createFileTransport({
    ...{ directory, from, clock },
    told: (path) => log.info({ path }, 'a letter was left here, because SMTP_HOST is not set'),
  });
};

const buildIdentity = (options: ModulesOptions, mail: MailTransport, fetch: GuardedFetch): Identity => {
  const { values, storage, limits, clock, log, public_url, version } = options;
  const { auth, devices, rateLimits } = values.config;
  return createIdentity({
    database: storage.database,
    clock,
    limiter: limits.durable,
    ...{ secrets: storage.secrets, mail, fetch },
    forgetInAudit: createForgetInAudit(storage.keysFor('audit checkpoints')[0]),
    challenge_keys: storage.keysFor('recovery challenges'),
    password_cost: { memory_kib: Math.floor(auth.passwordMemoryBytes / 1024) },
    options: {
      public_url,
      registration: auth.openRegistration ? 'open' : 'invitation',
      session_ttl_ms: auth.sessionTtlMs,
      setup_token: values.secrets.setupToken?.reveal() ?? null,
      version,
      devices: {
        pins: () => (devices.pins.length > 0 ? devices.pins : options.served_pins()),
        enrolment_tokens: devices.enrolmentTokens,
        offline_after_ms: devices.offlineAfterMs,
        offline_check_ms: devices.offlineCheckMs,
      },
      login: rateLimits.login,
      login_account: rateLimits.loginAccount,
      magic_link: rateLimits.magicLink,
      agent_keys: {
        registration: rateLimits.registration,
        vouch: rateLimits.vouch,
        signing: rateLimits.signing,
        recovery: rateLimits.recovery,
        verify: rateLimits.verify,
      },
    },
    onError: (error) => log.warn({ err: error }, 'marks of use could not be written'),
  });
};

const buildOauth = (
  options: ModulesOptions,
  identity: Identity,
  certificates: ClientCertificates | null,
  guarded: GuardedFetch,
  webhooks: GuardedFetch,
  { count, validated, refreshed }: Pick<Counting, 'count' | 'validated' | 'refreshed'>,
): Oauth => {
  const { values, storage, limits, clock, log, metrics } = options;
  const { address } = values.config.rateLimits;
  return createOauth({
    database: storage.database,
    database_url: storage.url,
    clock,
    secrets: storage.secrets,
    keysFor: storage.keysFor,
    limiter: limits.durable,
    requests: limits.requests,
    address_rule: () => ({ limit: address.max, window_s: address.windowMs / 1000 }),
    guardedFetch: guarded,
    public_url: options.public_url,
    config: values.config.oauth,
    certificates,
    identity,
    hooks: hooksOf(values, webhooks),
    ...{ count, validated, refreshed },
    alerted: metrics.alert,
    refused: metrics.error,
    onError: (error, what) => log.error({ err: error }, what),
  });
};

const buildGate = (
  options: ModulesOptions,
  identity: Identity,
  oauth: Oauth,
  snapshots: GatewayModule['source'],
): GatePart => {
  const { values, storage, limits, clock, log, public_url } = options;
  const { address } = values.config.rateLimits;
  return createGatePart({
    ...{ database: storage.database, clock, limiter: limits.durable, identity, oauth, public_url },
    snapshots,
    stale_verdict_ms: () => values.config.gatewayLimits.staleVerdictMs,
    remote_user: () => values.config.gatewayLimits.remoteUser,
    guess: (ip) => {
      const rule = { limit: address.max, window_s: address.windowMs / 1000 };
      const verdict = limits.requests.take(`ip:${addressKey(ip)}`, rule);
      return verdict instanceof Promise ? verdict.then(({ allowed }) => allowed) : verdict.allowed;
    },
    trusted_proxies: values.config.server.trustedProxies.map((range) => range.cidr),
    onError: (error, what) => log.error({ err: error }, what),
  });
};

/** Discovery asks what operators named and what an engine on their machines told, which is mostly private. */
const localRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '100.64.0.0/10', '::1'];

const discoveryOptions = ({
  discovery: all,
  server,
}: Config): Parameters<typeof createDiscoveryModule>[0]['options'] => {
  const { docker, mdns, kubernetes, http, ...discovery } = all;
  return {
    enabled: discovery.enabled,
    autoApprove: discovery.autoApprove,
    runs: server.role !== 'api',
    docker: {
      ...{ enabled: docker.enabled, endpoint: docker.endpoint, cert_path: docker.certPath },
      ...{ resync_ms: docker.resyncMs, include_system: docker.includeSystem },
      ...{ mode: docker.networkMode, networks: docker.networks, exclude: docker.excludeNetworks },
    },
    mdns: { enabled: mdns.enabled, scan_ms: mdns.scanMs, services: mdns.services },
    kubernetes: {
      ...{ enabled: kubernetes.enabled, kubeconfig: kubernetes.kubeconfig, context: kubernetes.context },
      ...{ namespaces: kubernetes.namespaces, resync_ms: kubernetes.resyncMs },
    },
    http: http.map(({ url, intervalMs, trust }) => ({ url, interval_ms: intervalMs, trust })),
  };
};

const buildDiscovery = (
  options: ModulesOptions,
  identity: Identity,
  fetch: GuardedFetch,
  maker: GatewayModule['services']['maker'],
  counting: Pick<GatewayCounting, 'scanned' | 'discoversWith'>,
): DiscoveryModule => {
  const { values, storage, limits, clock, log } = options;
  const discovery = createDiscoveryModule({
    database: storage.database,
    database_url: storage.url,
    clock,
    limiter: limits.durable,
    fetch,
    orgOf: () => identity.homeOrg(values.config.discovery.org),
    maker,
    options: discoveryOptions(values.config),
    onScan: counting.scanned,
    onError: (error, what) => log.warn({ err: error }, what),
  });
  counting.discoversWith(discovery);
  return discovery;
};

/** Nothing is sent without a secret to sign it with. */
const hooksOf = ({ config, secrets }: ConfigValues, fetch: GuardedFetch) =>
  secrets.hookSecret === null ? null : { config: config.hooks, secret: secrets.hookSecret.reveal(), fetch };

/** The organisation of facts about the whole server. */
const nobodys = '00000000-0000-0000-0000-000000000000';

/** Time goes on as it did, so nothing ends later; but somebody should look at the clock. */
const alertOfClock = ({ log, metrics }: ModulesOptions, identity: Identity, ms: number): void => {
  const seconds = Math.round(ms / 1000);
  log.error({ seconds }, 'the clock of this machine was set back; this server goes on from where it was');
  metrics.alert('clock_moved_back');
  const alert = { alert: 'clock_moved_back' as const, target: null, details: { seconds } };
  identity
    .raiseAlert(internalCall(systemCaller({ id: nobodys }), newId()), alert)
    .catch((error: unknown) => log.error({ err: error }, 'an alert could not be raised'));
};

const platformSweeps = (
  { values, storage, clock }: ModulesOptions,
  files: FileStore,
  counts: HourlyCounts,
): NonNullable<Module['sweeps']> => {
  const db = storage.database.read;
  return [
    {
      name: 'prune-events',
      every_ms: 10 * minuteMs,
      run: async () => {
        const now = clock.now().getTime();
        const held = {
          sinks: sinkAddresses(values).map(({ name }) => name),
          until: new Date(now - values.config.events.heldMs),
        };
        await pruneEvents(db, new Date(now - dayMs), eventsKept, held);
      },
    },
    { name: 'hourly-counts', every_ms: dayMs, run: () => counts.prune() },
    { name: 'rate-counters', every_ms: hourMs, run: () => deleteExpiredCounters(db, clock.now()) },
    {
      name: 'unreferenced-files',
      every_ms: hourMs,
      run: async () => void (await deleteUnreferencedBlobs(db, files, clock)),
    },
    {
      name: 'idempotency-keys',
      every_ms: hourMs,
      run: async () =>
        void (await sql`delete from core_idempotency_keys where expires_at < ${clock.now()}`.execute(db)),
    },
  ];
};

const pruneAudit = ({ storage, clock }: ModulesOptions, settings: SettingsStore) => {
  const audit = createAuditStore(storage.database.read, storage.keysFor('audit checkpoints'));
  return {
    audit,
    sweep: {
      name: 'prune-audit',
      every_ms: dayMs,
      run: async () => {
        const heads = await sql<{ org_id: string }>`select org_id from core_event_heads`.execute(storage.database.read);
        for (const { org_id } of heads.rows) {
          const { audit_retention_days } = await settings.get(org_id);
          await audit.prune(org_id, new Date(clock.now().getTime() - audit_retention_days * dayMs), clock.now());
        }
      },
    },
  };
};

/** Each process writes a file of its own: two that turn over one file would lose lines. */
const accessFileOf = ({ values, process_number }: ModulesOptions): string => {
  const { server, accessLog } = values.config;
  const path = resolve(server.dataDir, accessLog.file);
  if (process_number === 1) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-${process_number}${ext}`);
};

const portIn = (url: string): number[] =>
  URL.canParse(url) && new URL(url).port !== '' ? [Number(new URL(url).port)] : [];

/** Parts hold on to these objects and read them at each use. */
const renew = (running: Config, next: Config): void => {
  for (const [name, rate] of Object.entries(next.rateLimits))
    Object.assign(running.rateLimits[name as keyof Config['rateLimits']], rate);
  const { certFile, keyFile, acme } = next.tls;
  Object.assign(running.tls, { certFile, keyFile, acme });
  running.server.extraHosts.splice(0, Number.POSITIVE_INFINITY, ...next.server.extraHosts);
};

/** Ports of streams are opened by the first process alone: what is said on one has to reach the same session. */
const streamsHost = ({ gatewayData, server }: Config): string => gatewayData.streamsHost ?? server.host;

/** What the data plane of a process may use of the disk. */
const dataPlane = ({ values, process_number }: ModulesOptions, settings: () => { geoip_file: string | null }) => {
  const { gatewayData, server } = values.config;
  const below = (path: string): string => resolve(server.dataDir, path);
  const own = process_number === 1 ? '' : `-${process_number}`;
  return {
    cache: { directory: below(`gateway/cache${own}`), memory: gatewayData.cacheMemory, disk: gatewayData.cacheDisk },
    buffers: { directory: below(`gateway/buffers${own}`), disk: gatewayData.bufferDisk },
    geoip_file: () => {
      const { geoip_file } = settings();
      return geoip_file === null ? null : below(geoip_file);
    },
  };
};

const openGateway = (options: ModulesOptions, identity: Identity, oauth: Oauth, discoveryFetch: GuardedFetch) => {
  const { storage, clock, log, limits, metrics } = options;
  let lanes: LanesPart | null = null;
  addEventFamilies(options.metrics);
  const counting = createGatewayMetrics(options.metrics);
  let { values } = options;
  let settings = gatewaySettingsOf(values.config);
  let waitingForRestart: readonly string[] = [];
  const ownPorts = [...portIn(storage.url), ...(values.config.server.port === 0 ? [] : [values.config.server.port])];
  const directory = () => resolve(dirname(values.path ?? 'atrium.yaml'), values.config.gateway.directory);
  const gateway = createGatewayModule(
    {
      ...{ database: storage.database, database_url: storage.url, clock, secrets: storage.secrets },
      ...{ public_url: options.public_url, resolve: systemResolve },
      settings: () => settings,
      own_ports: () => ownPorts,
      principalIn: async (orgId, id) => {
        const kind = (await identity.names.principals([id])).get(id)?.type;
        return kind === undefined ? null : identity.callerOf({ org_id: orgId, kind, id });
      },
      traffic: () => lanes?.book ?? null,
      lanes: () => lanes,
      waiting_for_restart: () => waitingForRestart,
      config_file: () => values.path,
      onError: (error, what) => log.error({ err: error }, what),
      onNotice: (facts, what) => log.warn(facts, what),
      siblings: options.siblings,
      holder: newId(),
      onSnapshotBuilt: counting.snapshotBuilt,
      onProbed: counting.probed,
    },
    { directory, probes: values.config.server.role !== 'api', onEjected: counting.ejected },
  );
  counting.of(gateway);
  const gate = buildGate(options, identity, oauth, gateway.source);
  const federation = openFederation(options, identity, gateway, gate, {
    ...{ values: () => values, settings: () => settings, own_ports: () => ownPorts },
  });
  const { accessLog } = options.values.config;
  lanes = createLanesPart({
    ...{ database: storage.database, clock, source: gateway.source, gate: federation.gate, health: gateway.health },
    dial_peer: federation.dial,
    ...{ jars: gateway.jars, settings: () => settings, own_ports: () => ownPorts, resolve: systemResolve },
    keys: {
      sticky: Buffer.from(storage.keysFor('gateway cookies')[0]),
      server: Buffer.from(storage.keysFor('gateway via')[0]),
    },
    public_url: options.public_url,
    hit: (hit) => limits.local.hit(hit),
    registry: metrics.registry,
    access_file: accessLog.enabled ? { path: accessFileOf(options), files: accessLog.keep } : null,
    streams_host: options.process_number === 1 ? streamsHost(options.values.config) : null,
    ...dataPlane(options, () => settings),
    onError: (error, what) => log.error({ err: error }, what),
  });
  federation.serve(lanes.front);
  const discovery = buildDiscovery(options, identity, discoveryFetch, gateway.services.maker, counting);
  const containers = openContainers(options, gateway.services, oauth.refresh);
  const live: LiveConfig = {
    replace: async (next, applied, waiting) => {
      values = next;
      waitingForRestart = waiting;
      if (applied.length > 0) {
        renew(options.values.config, next.config);
        settings = gatewaySettingsOf(next.config);
        await gateway.services.documents.reclaim();
        await gateway.settingsChanged();
        await lanes?.settingsChanged();
        await discovery.reconfigure(discoveryOptions(next.config));
        await containers.reconfigure(engineSettings(next.config));
        federation.settingsChanged();
      }
      const [apps, routes] = [next.sections['apps']?.file, next.sections['routes']?.file];
      const main = next.path === null ? null : { path: next.path, apps, routes };
      if (main === null) return true;
      return gateway.services.files.reload({ main, problems: [], applied, waiting_for_restart: waiting });
    },
    refuse: (problems) =>
      gateway.services.files.reload({ main: null, problems, applied: [], waiting_for_restart: waitingForRestart }),
    matters: (place, name) =>
      (place === directory() && isDocument(name)) ||
      (place === dirname(values.path ?? '') && name === basename(values.path ?? '')),
    reloaded: counting.reloaded,
    directories: () => [...new Set([dirname(values.path ?? resolve('atrium.yaml')), directory()])],
  };
  const toolbox = openToolbox(options, gateway, () => values);
  const listening = async (port: number): Promise<void> => {
    ownPorts.push(port);
    await lanes?.start();
  };
  const scripts = openScripts(options, identity, () => values);
  const current = () => values;
  const tools = openTools(
    options,
    identity,
    () => values,
    () => ownPorts,
  );
  return { gateway, gate, lanes, discovery, toolbox, containers, scripts, tools, federation, live, listening, current };
};

/** Creates the modules in module order and wires what lower ones offer to higher ones. */
export const createModules = async (options: ModulesOptions): Promise<Modules> => {
  const { values, storage, clock, log } = options;
  const files = await openFiles(values);
  const settings = createSettingsStore(storage.database.read, clock);
  const { breakers, metrics } = options;
  const fetchFor = (peer: string, ranges: readonly { cidr: string }[]) =>
    createGuardedFetch({ allow: ranges.map((range) => range.cidr), breakers, observe: metrics.outbound(peer) });
  const { outbound, oauth: oauthConfig } = values.config;
  const mail = openMail(options);
  const providerFetch = fetchFor('sign_in', outbound.signInAllowPrivate);
  const identity = buildIdentity(options, mail, providerFetch);
  const guarded = fetchFor('webhook', outbound.webhookAllowPrivate);
  const oauthFetch = fetchFor('oauth', oauthConfig.allowPrivate);
  const acmeFetch = createGuardedFetch({ allow: localRanges, breakers, observe: metrics.outbound('acme') });
  const discoveryFetch = createGuardedFetch({ allow: localRanges, breakers, observe: metrics.outbound('discovery') });
  const counts = new HourlyCounts({
    db: storage.database.read,
    clock,
    onError: (error) => log.warn({ err: error }, 'hourly counts could not be written'),
  });
  const figures = createOauthMetrics(metrics, counts.count);
  const certificates = await openClientCertificates(values);
  const oauth = buildOauth(options, identity, certificates, oauthFetch, guarded, figures);
  const operators = createOperatorsPart(oauth.parts);
  figures.totals(operators.services.figures);
  const denials = new SampledFacts({
    database: storage.database,
    onError: (error) => log.warn({ err: error }, 'refused addresses could not be told of'),
  });
  const { audit, sweep } = pruneAudit(options, settings);
  const embedder = await openEmbedder(values, log);

  let fanOut: EventFanOut | null = null;
  let host: HostFacts | null = null;
  const opened = openGateway(options, identity, oauth, discoveryFetch);
  const { gateway, gate, lanes, discovery, toolbox, containers, scripts, tools, federation, live, listening } = opened;
  const certificatesPart = openCertificates(options, () => identity.homeOrg(values.config.discovery.org), acmeFetch);
  const lowFilters: EventFilter[] = [
    ...(gateway.eventFilters ?? []),
    ...(identityModule(identity).eventFilters ?? []),
    ...(oauthModule(oauth).eventFilters ?? []),
    ...(operators.eventFilters ?? []),
    ...(discovery.eventFilters ?? []),
    ...(certificatesPart.eventFilters ?? []),
    ...(toolbox.eventFilters ?? []),
    ...(containers.eventFilters ?? []),
    ...(scripts.eventFilters ?? []),
    ...(tools.eventFilters ?? []),
    ...(federation.eventFilters ?? []),
  ];
  const diaries = createDiariesModule({
    database: storage.database,
    clock,
    settingsOf: (orgId) => settings.get(orgId),
    identityOf: identity.services.agentKeys.whoami,
    archive: {
      key: createArchiveKey(storage.keysFor('diary archives')[0]),
      source: options.public_url,
      folder: await openImportFolder(values.config.server.dataDir),
    },
    embedder,
    codes_bytes: values.config.diaries.codesBytes,
    discovery: { version: options.version, info: identity.services.directory.info },
    limiter: options.limits.durable,
    rates: { public_search: values.config.rateLimits.publicSearch, meaning: values.config.rateLimits.meaning },
    onError: (error, what) => log.error({ err: error }, what),
  });
  lowFilters.push(...(diaries.eventFilters ?? []));
  identity.onPersonErasing(discovery.personErasing);
  identity.onPersonExporting(discovery.personExporting);
  identity.onPersonErasing(scripts.personErasing);
  identity.onPersonExporting(scripts.personExporting);
  identity.onPersonErasing(tools.personErasing);
  identity.onPersonExporting(tools.personExporting);
  identity.onPersonErasing(federation.personErasing);
  identity.onPersonExporting(federation.personExporting);
  identity.onAgentRegistered(diaries.services.hooks.agentRegistered);
  identity.onTeamDeleting(diaries.services.hooks.teamDeleting);
  identity.onPersonErasing(diaries.services.hooks.personErasing);
  identity.onPersonExporting(diaries.services.hooks.personExporting);
  identity.onOrgDeleting(toolbox.orgDeleting);
  identity.onOrgDeleting(gateway.services.hooks.orgDeleting);
  identity.onTeamDeleting(gateway.services.hooks.teamDeleting);
  identity.onPersonErasing(gateway.services.hooks.personErasing);
  identity.onPersonExporting(gateway.services.hooks.personExporting);
  const decides = {
    oauth_approval: oauth.decideApproval,
    signing_request: identity.decideSigning,
    diary_invitation: diaries.services.shares.decide,
    script_run: scripts.decideApproval,
    tool_call: tools.decideApproval,
  };
  const inbox: InboxModule = createInboxModule(
    {
      database: storage.database,
      clock,
      secrets: storage.secrets,
      settingsOf: (orgId) => settings.get(orgId),
      refreshCaller: oauth.refresh,
      meterNotification: async (tx, call) =>
        void (await identity.consume(tx, call.caller.org_id, 'monthly_notifications')),
      decideOutside: (tx, call, { kind, ...decision }) => decides[kind](tx, call, decision),
      personIn: (org_id, id) => identity.callerOf({ org_id, kind: 'user', id }),
      guardedFetch: guarded,
      onError: (error, what) => log.error({ err: error }, what),
      files,
      max_upload_bytes: values.config.server.maxUploadBytes,
      limiter: options.limits.durable,
      public_url: options.public_url,
      audit,
    },
    {
      log: storage.dispatcher,
      eventsFor: (caller, since) => eventsFor(fanOut!, caller, since),
      otherFilters: () => lowFilters,
    },
  );
  const {
    approvals,
    deviceNotices,
    hooks,
    invitationQuestions,
    items,
    scriptQuestions,
    signingQuestions,
    toolQuestions,
  } = inbox.services;
  discovery.onExposed(hooks.tellAdmins);
  certificatesPart.onExpiring(hooks.tellAdmins);
  oauth.onApprovalAsked(approvals);
  scripts.onApprovalAsked(scriptQuestions);
  tools.onApprovalAsked(toolQuestions);
  diaries.services.invitations.showBy(invitationQuestions);
  identity.onSigningRequested(signingQuestions.requested);
  identity.onDeviceCompromised(deviceNotices.compromised);
  identity.onSigningSettling(signingQuestions.settling);
  identity.onOrgCreated((tx, org) => hooks.orgCreated(tx, org));
  identity.onOrgDeleting((tx, org) => hooks.orgDeleting(tx, org));
  identity.onTeamDeleting(hooks.teamDeleting);
  identity.onItemScopeGranting(hooks.visibleChannels);
  identity.onUsage(hooks.storageBytes);
  identity.onPersonErasing(hooks.personErasing);
  identity.onPersonExporting(hooks.personExporting);

  const ingest = createIngestService({ database: storage.database, dispatcher: storage.dispatcher });
  const admin = adminModule({
    audit: createAuditService({
      database: storage.database,
      clock,
      store: audit,
      visibleItemTitles: items.visibleTitles,
    }),
    settings: createSettingsService({ database: storage.database, store: settings }),
    ingest,
    server: createServerService({
      ...{ database: storage.database, clock, version: options.version, counts, names: identity.names },
      capabilities: () => capabilitiesOf(values, embedder),
      identity_totals: identity.totals,
      oauth_figures: operators.services.figures,
      signing_key: operators.signing_key,
      host: () => host,
    }),
  });

  const backups = openBackups(
    options,
    { orgOf: () => identity.homeOrg(values.config.discovery.org), tellAdmins: hooks.tellAdmins },
    opened.current,
  );
  const hookCounts = createOverviewMetrics(metrics, {
    ...{ clock, version: options.version, devices: identity.deviceTotals },
    proposals: gateway.services.traffic.pendingProposals,
    federation: federation.totals,
  });
  const outsideHooks = createHooksModule({
    received: hookCounts.received,
    ...{ database: storage.database, clock, secrets: storage.secrets, limiter: options.limits.durable, ingest },
    public_url: options.public_url,
    notice: async (tx, call, { channel, ...notice }) => {
      const { item } = await inbox.services.creation.createIn(tx, call, {
        ...{ ...notice, ...(channel === null ? {} : { channel }), priority: 0, tags: [], actions: [] },
        ...{ related_to: [], watchers: [], escalation: [], reminders_s: [] },
      });
      return item.id;
    },
    seesChannel: async (caller, id) => (await hooks.visibleChannels(caller, [id])).includes(id),
    isDevice: async (org_id, id) => (await identity.callerOf({ org_id, kind: 'device', id })) !== null,
  });
  const overview = createOverviewModule({
    ...{ database: storage.database, clock, host: () => host },
    visible: (caller, events) =>
      new EventVisibility([...lowFilters, ...(inbox.eventFilters ?? [])]).replay(caller, events),
    traffic: (call, input) => gateway.services.traffic.stats(call, input),
    devices: identity.deviceTotals,
    machine: { host_root: values.config.system.hostRoot, data_dir: values.config.server.dataDir },
  });
  for (const part of [admin, backups, outsideHooks]) lowFilters.push(...(part.eventFilters ?? []));
  storage.dispatcher.subscribe(settings.onEvent, settings.forget);
  storage.dispatcher.subscribe(() => {}, gate.doubt);
  return {
    list: [
      identityModule(identity),
      oauthModule(oauth),
      operators,
      gateway,
      gate,
      lanes,
      discovery,
      certificatesPart,
      toolbox,
      containers,
      scripts,
      tools,
      federation,
      diaries,
      inbox,
      admin,
      backups,
      outsideHooks,
      overview,
    ],
    platform_sweeps: [...platformSweeps(options, files, counts), sweep],
    rotations: [
      ...storage.rotations,
      identity.rotate,
      oauth.rotate,
      operators.rotate,
      gateway.rotate,
      certificatesPart.rotate,
      toolbox.rotate,
      scripts.rotate,
      tools.rotate,
      federation.rotate,
      inbox.rotate,
      backups.rotate,
      outsideHooks.rotate,
    ],
    host_opened: (facts) => {
      host = facts;
    },
    renew_signatures: audit.renewCheckpoints,
    authenticate: (token, { via, resource, proof }) =>
      identity.resolve(token, { via, resource, ...(proof === undefined ? {} : { proof }) }),
    client_caller: oauth.clientCaller,
    refresh: oauth.refresh,
    presence: identity.presence,
    socket_logs: containers.logs,
    certificate_of: certificates?.of ?? noCertificates,
    denied_address: (ip) => {
      const denied = oauth.deniedAddress(ip);
      if (denied) {
        counts.count('address_denied');
        const address = addressKey(ip);
        denials.note(address, () => ({ kind: identityEvents.addressDenied, org_id: nobodys, body: { address } }));
      }
      return denied;
    },
    start: async () => {
      await oauth.start();
      await gateway.start();
      await certificatesPart.start();
      await discovery.start();
      await federation.start();
      containers.start();
    },
    listening,
    live,
    can_see: items.canSee,
    on_tool_call: ({ caller, tool, client_name, client_version }) =>
      identity.recordToolCall(caller, {
        tool,
        client: client_name === '' ? null : `${client_name} ${client_version}`.trim(),
      }),
    follow: (source) => {
      fanOut = source;
    },
    setup_token: identity.prepareSetupToken,
    setup_done: async () => (await identity.services.setup.status()).done,
    release: inbox.release,
    restored: backups.settleRestore,
    clock_moved_back: (ms) => alertOfClock(options, identity, ms),
    close: async () => {
      await backups.stop();
      await scripts.close();
      await tools.close();
      await federation.stop();
      await lanes.close();
      await gateway.stop();
      gate.close();
      await discovery.stop();
      await certificatesPart.stop();
      await containers.stop();
      await denials.stop();
      await counts.flush();
      await identity.flush();
      await diaries.services.access.flush();
      await oauth.stop();
      await guarded.close();
      await oauthFetch.close();
      await discoveryFetch.close();
      await acmeFetch.close();
      await providerFetch.close();
      mail.close();
      await embedder?.close?.();
    },
  };
};
