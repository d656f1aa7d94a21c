import { type ConfigKey, configKeys } from './config-keys.ts';
import { Secret } from './secret.ts';
import {
  type AddressRange,
  type EnrolmentToken,
  type ListenAddress,
  type Rate,
  Refusal,
  type WatchedUrl,
} from './value-types.ts';

export interface Config {
  server: {
    host: string;
    port: number;
    /** Origin of every link. Null only with port 0 and no setting: known once the server listens. */
    publicUrl: string | null;
    dataDir: string;
    role: 'all' | 'api' | 'worker';
    trustedProxies: AddressRange[];
    proxyProtocol: boolean;
    extraHosts: string[];
    corsOrigins: string[];
    maxUploadBytes: number;
    maxInFlight: number;
    maxPerBulkhead: number;
    maxConnectionsPerAddress: number;
    /** Those that share the port, this one included. */
    processes: number;
    settleMs: number;
    maxWaiting: number;
  };
  tls: TlsConfig;
  log: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' };
  telemetry: { otlpEndpoint: string | null };
  auth: { sessionTtlMs: number; passwordMemoryBytes: number; openRegistration: boolean };
  oauth: OauthConfig;
  /** The model that diaries are searched with; null when they are searched by words alone. */
  embeddings:
    | { kind: 'directory'; path: string; prefixes: { query: string; passage: string } }
    | { kind: 'server'; url: string; model: string }
    | null;
  /** Memory for the sign codes of vectors. */
  diaries: { codesBytes: number };
  hooks: HooksConfig;
  gateway: GatewayConfig;
  accessLog: { enabled: boolean; file: string; keep: number };
  /** What leaves the server for brokers. */
  events: { include: readonly string[]; exclude: readonly string[]; heldMs: number };
  devices: {
    pins: string[];
    enrolmentTokens: EnrolmentToken[];
    offlineAfterMs: number;
    offlineCheckMs: number;
  };
  rateLimits: {
    rest: Rate;
    tools: Rate;
    address: Rate;
    login: Rate;
    loginAccount: Rate;
    magicLink: Rate;
    registration: Rate;
    vouch: Rate;
    signing: Rate;
    recovery: Rate;
    verify: Rate;
    publicSearch: Rate;
    meaning: Rate;
  };
  discovery: DiscoveryConfig;
  toolbox: ToolboxConfig;
  containers: { runtime: 'auto' | 'docker' | 'kubernetes' | 'off' };
  scripts: ScriptsConfig;
  system: { hostRoot: string | null };
  backup: {
    enabled: boolean;
    directory: string;
    schedule: { every_s: number } | { cron: string };
    retention: number;
  };
  tools: { stdioEnabled: boolean; callsKeptMs: number };
  federation: FederationConfig;
  files: { storage: 'disk' } | ({ storage: 's3' } & S3Config);
  /** `smtp` is null when letters become files. */
  mail: { smtp: SmtpConfig | null; from: string | null };
  gatewayData: {
    /** Null = where the server itself listens. */
    streamsHost: string | null;
    geoipFile: string | null;
    cacheMemory: number;
    cacheDisk: number;
    bufferDisk: number;
  };
  gatewayLimits: {
    /** How long a verdict counts while the database cannot be asked. */
    staleVerdictMs: number;
    fastLane: boolean;
    remoteUser: boolean;
  };
  outbound: {
    proxyAllowPrivate: AddressRange[];
    webhookAllowPrivate: AddressRange[];
    signInAllowPrivate: AddressRange[];
  };
}

export interface TlsConfig {
  mode: 'off' | 'files' | 'internal' | 'acme';
  /** Set when the mode is `files`, and then only. */
  certFile: string | null;
  keyFile: string | null;
  /** Where plain HTTP leads to https as well. */
  redirectAddress: ListenAddress | null;
  acme: {
    directory: string;
    email: string | null;
    challenge: 'http-01' | 'tls-alpn-01' | 'dns-01';
    dnsCommand: string | null;
  };
}

export interface GatewayConfig {
  base_domain: string | null;
  default_mode: 'path' | 'host' | 'both';
  default_scopes: readonly string[];
  /** Slug or id of the organisation that has the apps of files; null = the first one. */
  org: string | null;
  targets: { allow: readonly AddressRange[]; deny: readonly AddressRange[] };
  /** Milliseconds; 0 = none. */
  timeouts: {
    connect: number;
    connect_websocket: number;
    head: number;
    body_idle: number;
    client_send_idle: number;
    client_take_idle: number;
  };
  health: { enabled: boolean; interval_ms: number; timeout_ms: number; unhealthy_after: number; path: string };
  /** Of files with apps and routes. */
  directory: string;
}

export interface DiscoveryConfig {
  enabled: 'auto' | 'true' | 'false';
  org: string | null;
  docker: {
    enabled: boolean;
    endpoint: string;
    certPath: string | null;
    resyncMs: number;
    networkMode: 'all' | 'first' | 'preferred';
    networks: readonly string[];
    excludeNetworks: readonly string[];
    includeSystem: boolean;
  };
  mdns: { enabled: boolean; scanMs: number; services: readonly string[] };
  kubernetes: {
    enabled: 'auto' | 'true' | 'false';
    kubeconfig: string | null;
    context: string | null;
    namespaces: readonly string[];
    resyncMs: number;
  };
  http: readonly WatchedUrl[];
  autoApprove: { enabled: boolean; threshold: number };
}

export interface ToolboxConfig {
  enabled: boolean;
  catalogDir: string | null;
  dataDir: string | null;
  hostDataDir: string | null;
  autoRoute: boolean;
  autoStart: boolean;
}

export interface ScriptsConfig {
  enabled: boolean;
  directory: string;
  hostDirectory: string | null;
  defaultTimeoutMs: number;
  maxOutputBytes: number;
  allowHost: boolean;
}

export interface FederationConfig {
  enabled: boolean;
  name: string | null;
  bootstrapPeers: readonly string[];
  mdns: boolean;
  allowRemoteRoutes: boolean;
  allowPlain: boolean;
  fullSyncMs: number;
  antiEntropyMs: number;
}

/** Services of operators that are asked, or told. */
export interface HooksConfig {
  tokenIssuing: { url: string; policy: 'open' | 'closed' } | null;
  agentUrls: readonly string[];
  timeoutMs: number;
}

export interface SmtpConfig {
  host: string;
  port: number;
  security: 'starttls' | 'tls' | 'none';
  user: string | null;
}

export interface OauthConfig {
  signingAlg: 'ES256' | 'EdDSA' | 'RS256';
  registration: 'loopback' | 'token' | 'off';
  clientDocuments: boolean;
  documentHosts: string[];
  documentHostsDenied: string[];
  allowPrivate: AddressRange[];
  accessTtlMs: number;
  refreshTtlMs: number;
  codeTtlMs: number;
  keyRotationMs: number;
  keyGraceMs: number;
  frontChannelLogout: boolean;
  sessionIframe: boolean;
  mtls: boolean;
  certificateHeader: string;
  /** Path of a PEM file. */
  certificateAuthorities: string | null;
  /** What is off until an operator wants it. */
  agents: {
    idJag: boolean;
    chainingTargets: string[];
    transactionTokens: boolean;
    trustDomain: string | null;
    transactionTtlMs: number;
    statusLists: boolean;
  };
  approvals: boolean;
  ciba: boolean;
}

export interface S3Config {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
}

/** Apart from Config, so that a module gets the secret it needs and no other. */
export interface Secrets {
  databaseUrl: Secret | null;
  redisUrl: Secret | null;
  masterKey: Secret | null;
  setupToken: Secret | null;
  metricsToken: Secret | null;
  s3SecretAccessKey: Secret | null;
  smtpPassword: Secret | null;
  eventSinks: readonly Secret[];
  embeddingsKey: Secret | null;
  hookSecret: Secret | null;
  federationSecret: Secret | null;
}

/** What one section of atrium.yaml holds, with the variables that begin with its name. Its module checks it. */
export interface ConfigSection {
  file: unknown;
  environment: Readonly<Record<string, string>>;
}

export interface ConfigProblem {
  key: string;
  problem: string;
  example: string;
}

export interface ConfigInput {
  environment: Readonly<Record<string, string | undefined>>;
  /** Content of atrium.yaml, parsed; null when there is none. */
  file: unknown;
  /** Keys that a part outside the platform declares. */
  extraKeys?: readonly ConfigKey[];
  /** Top-level keys of atrium.yaml that a module checks itself: `gateway`, `routes`, … */
  sections?: readonly string[];
  /** Where the file is, or would be. */
  path?: string;
}

export interface ConfigValues {
  config: Config;
  secrets: Secrets;
  /** Value of a key given in `extraKeys`. */
  extra<T, D extends string | null>(key: ConfigKey<T, D>): Value<T, D>;
  sections: Readonly<Record<string, ConfigSection>>;
  /** Where atrium.yaml is, or would be; null when nobody looked. */
  path: string | null;
}

export type ConfigResult = { ok: true; values: ConfigValues } | { ok: false; problems: ConfigProblem[] };

type Value<T, D> = D extends string ? T : T | null;
type Tree = Record<string, unknown>;

/** Environment over file over default. Looks at every value and reports all problems together; reads nothing itself. */
export function readConfig(input: ConfigInput): ConfigResult {
  const keys: readonly ConfigKey[] = [...Object.values(configKeys), ...(input.extraKeys ?? [])];
  const sections = input.sections ?? [];
  const problems: ConfigProblem[] = [];
  const file = rootOf(input.file, problems);
  const parsed = new Map<ConfigKey, unknown>(keys.map((key) => [key, parseKey(key, input, file, problems)]));
  const get = <T, D extends string | null>(key: ConfigKey<T, D>) => parsed.get(key as ConfigKey) as Value<T, D>;

  problems.push(...unknownVariables(input.environment, keys, sections));
  problems.push(...unknownFileKeys(file, keys, sections));
  if (problems.length === 0) problems.push(...contradictions(get));
  if (problems.length > 0) return { ok: false, problems };

  const values = { config: assemble(get), secrets: assembleSecrets(get), extra: get, path: input.path ?? null };
  return { ok: true, values: { ...values, sections: collectSections(sections, file, input, keys) } };
}

/** A secret makes itself unreadable before a replacer of JSON sees it. */
const plain = (value: unknown): unknown => {
  if (value instanceof Secret) return value.reveal();
  return Array.isArray(value) ? value.map(plain) : value;
};
const textOf = (value: unknown): string => JSON.stringify(plain(value)) ?? '';

/** Keys whose value is another one than it was. */
export const differingKeys = (before: ConfigValues, after: ConfigValues): ConfigKey[] =>
  Object.values(configKeys as Record<string, ConfigKey>).filter(
    (key) => textOf(before.extra(key)) !== textOf(after.extra(key)),
  );

/** What main prints before it exits with status 78. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  const heading = problems.length === 1 ? 'One setting is wrong:' : `${problems.length} settings are wrong:`;
  const lines = problems.map(({ key, problem, example }) => `  ${key} ${problem}\n    example: ${example}`);
  return [heading, ...lines, ''].join('\n');
}

/** docs/configuration.md, made from the same table that the parser uses. */
export function configReference(extraKeys: readonly ConfigKey[] = []): string {
  const rows = [...Object.values(configKeys), ...extraKeys].map((key: ConfigKey) => {
    const fallback = key.default === null ? '' : key.default === '' ? 'none' : `\`${key.default}\``;
    const marks = [key.secret ? 'secret' : '', key.reloadable ? 'live' : ''].filter(Boolean).join(', ');
    const path = key.yaml === null ? '' : `\`${key.yaml}\``;
    const cells = [`\`${key.env}\``, path, key.type.label, fallback, marks, key.meaning, `\`${key.example}\``];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `# Configuration

Generated by \`npm run docs\`; edit \`config-keys.ts\` instead.

Atrium starts without any setting. A variable of the environment wins over \`atrium.yaml\`, which wins over the default.
All wrong values are reported together, then the process exits with status 78. Unknown \`ATRIUM_\` variables and unknown
keys of the file are wrong values too; those of the command line and the SDK are left alone:
${clientVariables.map((name) => `\`${name}\``).join(', ')}. An empty variable counts as not set. Lists are YAML lists or texts with commas.
Sizes are bytes or carry a unit (\`500KB\`, \`10MiB\`), durations carry one (\`90s\`, \`12h\`, \`30d\`), rates are a
number or a number with its window (\`20/15m\`). *Live* settings are applied when the file changes, without a restart.

| Variable | atrium.yaml | Type | Default | | Meaning | Example |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** The origin of a server that nobody has named. */
export const localOrigin = (mode: TlsConfig['mode'], port: number): string =>
  `${mode === 'off' ? 'http' : 'https'}://localhost:${port}`;

type Get = <T, D extends string | null>(key: ConfigKey<T, D>) => Value<T, D>;

function assemble(get: Get): Config {
  const k = configKeys;
  const port = get(k.port);
  return {
    server: {
      host: get(k.host),
      port,
      publicUrl: get(k.publicUrl) ?? (port === 0 ? null : localOrigin(get(k.tlsMode), port)),
      dataDir: get(k.dataDir),
      role: get(k.role),
      trustedProxies: get(k.trustedProxies),
      proxyProtocol: get(k.proxyProtocol),
      extraHosts: get(k.extraHosts),
      corsOrigins: get(k.corsOrigins),
      maxUploadBytes: get(k.maxUpload),
      maxInFlight: get(k.maxInFlight),
      maxPerBulkhead: get(k.maxPerBulkhead),
      maxConnectionsPerAddress: get(k.maxConnectionsPerAddress),
      processes: get(k.processes),
      settleMs: get(k.settleAfter),
      maxWaiting: get(k.maxWaiting),
    },
    tls: {
      mode: get(k.tlsMode),
      certFile: get(k.tlsCertFile),
      keyFile: get(k.tlsKeyFile),
      redirectAddress: get(k.tlsRedirectAddress),
      acme: {
        directory: get(k.tlsAcmeDirectory),
        email: get(k.tlsAcmeEmail),
        challenge: get(k.tlsAcmeChallenge),
        dnsCommand: get(k.tlsAcmeDnsCommand),
      },
    },
    log: { level: get(k.log) },
    telemetry: { otlpEndpoint: get(k.otlpEndpoint) },
    auth: {
      sessionTtlMs: get(k.sessionTtl),
      passwordMemoryBytes: get(k.passwordMemory),
      openRegistration: get(k.openRegistration),
    },
    oauth: {
      signingAlg: get(k.oauthSigningAlg),
      registration: get(k.oauthRegistration),
      clientDocuments: get(k.oauthClientDocuments),
      documentHosts: get(k.oauthDocumentHosts),
      documentHostsDenied: get(k.oauthDocumentHostsDenied),
      allowPrivate: get(k.oauthAllowPrivate),
      accessTtlMs: get(k.oauthAccessTtl),
      refreshTtlMs: get(k.oauthRefreshTtl),
      codeTtlMs: get(k.oauthCodeTtl),
      keyRotationMs: get(k.oauthKeyRotation),
      keyGraceMs: get(k.oauthKeyGrace),
      frontChannelLogout: get(k.oauthFrontChannelLogout),
      sessionIframe: get(k.oauthSessionIframe),
      mtls: get(k.oauthMtls),
      certificateHeader: get(k.oauthCertificateHeader),
      certificateAuthorities: get(k.oauthCertificateAuthorities),
      agents: {
        idJag: get(k.oauthIdJag),
        chainingTargets: get(k.oauthChainingTargets),
        transactionTokens: get(k.oauthTransactionTokens),
        trustDomain: get(k.oauthTrustDomain),
        transactionTtlMs: get(k.oauthTransactionTtl),
        statusLists: get(k.oauthStatusLists),
      },
      approvals: get(k.oauthApprovals),
      ciba: get(k.oauthCiba),
    },
    embeddings: assembleEmbeddings(get),
    diaries: { codesBytes: get(k.embeddingsMemory) },
    hooks: {
      tokenIssuing:
        get(k.hookTokenIssuingUrl) === null
          ? null
          : { url: get(k.hookTokenIssuingUrl)!, policy: get(k.hookTokenIssuingPolicy) },
      agentUrls: get(k.hookAgentUrls),
      timeoutMs: get(k.hookTimeout),
    },
    accessLog: { enabled: get(k.accessLogEnabled), file: get(k.accessLogFile), keep: get(k.accessLogKeep) },
    gateway: {
      base_domain: get(k.gatewayBaseDomain),
      default_mode: get(k.gatewayDefaultMode),
      default_scopes: get(k.gatewayDefaultScopes),
      org: get(k.gatewayOrg),
      targets: { allow: get(k.gatewayTargetsAllow), deny: get(k.gatewayTargetsDeny) },
      timeouts: {
        connect: get(k.gatewayTimeoutConnect),
        connect_websocket: get(k.gatewayTimeoutConnectWebsocket),
        head: get(k.gatewayTimeoutHead),
        body_idle: get(k.gatewayTimeoutBodyIdle),
        client_send_idle: get(k.gatewayTimeoutClientSendIdle),
        client_take_idle: get(k.gatewayTimeoutClientTakeIdle),
      },
      health: {
        enabled: get(k.healthChecksEnabled),
        interval_ms: get(k.healthChecksInterval),
        timeout_ms: get(k.healthChecksTimeout),
        unhealthy_after: get(k.healthChecksThreshold),
        path: get(k.healthChecksPath),
      },
      directory: get(k.gatewayDirectory),
    },
    events: {
      include: get(k.eventsInclude),
      exclude: get(k.eventsExclude),
      heldMs: get(k.eventsHeld),
    },
    devices: {
      pins: get(k.devicePins),
      enrolmentTokens: get(k.deviceEnrolmentTokens),
      offlineAfterMs: get(k.deviceOfflineAfter),
      offlineCheckMs: get(k.deviceOfflineCheck),
    },
    rateLimits: {
      rest: get(k.rateLimitRest),
      tools: get(k.rateLimitTools),
      address: get(k.rateLimitAddress),
      login: get(k.rateLimitLogin),
      loginAccount: get(k.rateLimitLoginAccount),
      magicLink: get(k.rateLimitMagicLink),
      registration: get(k.rateLimitRegistration),
      vouch: get(k.rateLimitVouch),
      signing: get(k.rateLimitSigning),
      recovery: get(k.rateLimitRecovery),
      verify: get(k.rateLimitVerify),
      publicSearch: get(k.rateLimitPublicSearch),
      meaning: get(k.rateLimitMeaning),
    },
    discovery: assembleDiscovery(get),
    toolbox: {
      enabled: get(k.toolboxEnabled),
      catalogDir: get(k.toolboxCatalog),
      dataDir: get(k.toolboxData),
      hostDataDir: get(k.toolboxHostData),
      autoRoute: get(k.toolboxAutoRoute),
      autoStart: get(k.toolboxAutoStart),
    },
    containers: { runtime: get(k.containersRuntime) },
    tools: { stdioEnabled: get(k.toolsStdioEnabled), callsKeptMs: get(k.toolsCallsKept) },
    scripts: {
      enabled: get(k.scriptsEnabled),
      directory: get(k.scriptsDirectory),
      hostDirectory: get(k.scriptsHostDirectory),
      defaultTimeoutMs: get(k.scriptsTimeout),
      maxOutputBytes: get(k.scriptsMaxOutput),
      allowHost: get(k.scriptsAllowHost),
    },
    system: { hostRoot: get(k.systemHostRoot) },
    backup: {
      enabled: get(k.backupEnabled),
      directory: get(k.backupDirectory),
      schedule: get(k.backupSchedule),
      retention: get(k.backupRetention),
    },
    federation: {
      enabled: get(k.federationEnabled),
      name: get(k.federationName),
      bootstrapPeers: get(k.federationBootstrap),
      mdns: get(k.federationMdns),
      allowRemoteRoutes: get(k.federationRemoteRoutes),
      allowPlain: get(k.federationPlain),
      fullSyncMs: get(k.federationFullSync),
      antiEntropyMs: get(k.federationAntiEntropy),
    },
    files:
      get(k.files) === 'disk'
        ? { storage: 'disk' }
        : {
            storage: 's3',
            endpoint: get(k.s3Endpoint)!,
            bucket: get(k.s3Bucket)!,
            region: get(k.s3Region),
            accessKeyId: get(k.s3AccessKeyId)!,
          },
    mail: {
      smtp:
        get(k.smtpHost) === null
          ? null
          : {
              host: get(k.smtpHost)!,
              port: get(k.smtpPort),
              security: get(k.smtpSecurity),
              user: get(k.smtpUser),
            },
      from: get(k.smtpFrom),
    },
    gatewayData: {
      streamsHost: get(k.gatewayStreamsHost),
      geoipFile: get(k.gatewayGeoipFile),
      cacheMemory: get(k.gatewayCacheMemory),
      cacheDisk: get(k.gatewayCacheDisk),
      bufferDisk: get(k.gatewayBufferDisk),
    },
    gatewayLimits: {
      staleVerdictMs: get(k.gatewayStaleVerdict),
      fastLane: get(k.gatewayFastLane),
      remoteUser: get(k.gatewayRemoteUser),
    },
    outbound: {
      proxyAllowPrivate: get(k.proxyAllowPrivate),
      webhookAllowPrivate: get(k.webhookAllowPrivate),
      signInAllowPrivate: get(k.signInAllowPrivate),
    },
  };
}

function assembleDiscovery(get: Get): DiscoveryConfig {
  const k = configKeys;
  return {
    enabled: get(k.discoveryEnabled),
    org: get(k.discoveryOrg),
    docker: {
      enabled: get(k.discoveryDocker),
      endpoint: get(k.discoveryDockerEndpoint),
      certPath: get(k.discoveryDockerCertPath),
      resyncMs: get(k.discoveryDockerResync),
      networkMode: get(k.discoveryDockerNetworkMode),
      networks: get(k.discoveryDockerNetworks),
      excludeNetworks: get(k.discoveryDockerExclude),
      includeSystem: get(k.discoveryDockerSystem),
    },
    mdns: {
      enabled: get(k.discoveryMdns),
      scanMs: get(k.discoveryMdnsScan),
      services: get(k.discoveryMdnsServices),
    },
    kubernetes: {
      enabled: get(k.discoveryKubernetes),
      kubeconfig: get(k.discoveryKubeconfig),
      context: get(k.discoveryKubeContext),
      namespaces: get(k.discoveryKubeNamespaces),
      resyncMs: get(k.discoveryKubeResync),
    },
    http: get(k.discoveryHttp),
    autoApprove: { enabled: get(k.discoveryAutoApprove), threshold: get(k.discoveryAutoThreshold) },
  };
}

function assembleEmbeddings(get: Get): Config['embeddings'] {
  const k = configKeys;
  const path = get(k.embeddingsDir);
  const url = get(k.embeddingsUrl);
  if (url !== null) return { kind: 'server', url, model: get(k.embeddingsModel) };
  if (path === null) return null;
  const query = get(k.embeddingsQueryPrefix) ?? 'query: ';
  const passage = get(k.embeddingsPassagePrefix) ?? 'passage: ';
  return { kind: 'directory', path, prefixes: { query, passage } };
}

const assembleSecrets = (get: Get): Secrets => ({
  databaseUrl: get(configKeys.databaseUrl),
  redisUrl: get(configKeys.redisUrl),
  masterKey: get(configKeys.masterKey),
  setupToken: get(configKeys.setupToken),
  metricsToken: get(configKeys.metricsToken),
  s3SecretAccessKey: get(configKeys.s3SecretAccessKey),
  smtpPassword: get(configKeys.smtpPassword),
  eventSinks: get(configKeys.eventSinks),
  embeddingsKey: get(configKeys.embeddingsKey),
  hookSecret: get(configKeys.hookSecret),
  federationSecret: get(configKeys.federationSecret),
});

function contradictions(get: Get): ConfigProblem[] {
  const k = configKeys;
  const problems: ConfigProblem[] = [];
  if (get(k.files) === 's3') {
    for (const key of [k.s3Endpoint, k.s3Bucket, k.s3AccessKeyId, k.s3SecretAccessKey] as const) {
      if (get(key as ConfigKey) === null) problems.push(problemOf(key, 'is needed because ATRIUM_FILES is s3'));
    }
  }
  problems.push(...tlsContradictions(get));
  if (get(k.discoveryDockerNetworkMode) === 'preferred' && get(k.discoveryDockerNetworks).length === 0)
    problems.push(
      problemOf(k.discoveryDockerNetworks, 'is needed because ATRIUM_DISCOVERY_DOCKER_NETWORK_MODE is preferred'),
    );
  if (get(k.embeddingsDir) !== null && get(k.embeddingsUrl) !== null)
    problems.push(problemOf(k.embeddingsDir, 'cannot be set together with ATRIUM_EMBEDDINGS_URL'));
  for (const key of [k.embeddingsQueryPrefix, k.embeddingsPassagePrefix])
    if (get(key) !== null && get(k.embeddingsDir) === null)
      problems.push(problemOf(key, 'is of use with ATRIUM_EMBEDDINGS_DIR alone'));
  if (get(k.devicePins).length > 2) problems.push(problemOf(k.devicePins, 'must hold at most two pins'));
  const spans = [
    [k.healthChecksInterval, 1000, 3_600_000, 'between a second and an hour'],
    [k.healthChecksTimeout, 100, 60_000, 'between 100 milliseconds and a minute'],
    [k.deviceOfflineAfter, 1000, 86_400_000, 'between a second and a day'],
    [k.deviceOfflineCheck, 100, 3_600_000, 'between 100 milliseconds and an hour'],
    [k.oauthAccessTtl, 30_000, 86_400_000, 'between 30 seconds and a day'],
    [k.oauthCodeTtl, 10_000, 600_000, 'between 10 seconds and ten minutes'],
    [k.oauthRefreshTtl, 60_000, 365 * 86_400_000, 'between a minute and a year'],
    [k.oauthTransactionTtl, 10_000, 3_600_000, 'between 10 seconds and an hour'],
    [k.discoveryDockerResync, 5000, 86_400_000, 'between five seconds and a day'],
    [k.discoveryKubeResync, 5000, 86_400_000, 'between five seconds and a day'],
    [k.toolsCallsKept, 3_600_000, 3650 * 86_400_000, 'at least an hour'],
    [k.scriptsTimeout, 1000, 86_400_000, 'between a second and a day'],
    [k.federationFullSync, 1000, 86_400_000, 'between a second and a day'],
    [k.federationAntiEntropy, 1000, 86_400_000, 'between a second and a day'],
    [k.discoveryMdnsScan, 5000, 86_400_000, 'between five seconds and a day'],
    [k.hookTimeout, 100, 5000, 'between 100 milliseconds and five seconds'],
    [k.oauthKeyRotation, 3_600_000, 3650 * 86_400_000, 'at least an hour'],
  ] as const;
  for (const [key, least, most, words] of spans) {
    const value = get(key);
    if (value < least || value > most) problems.push(problemOf(key, `must be ${words}`));
  }
  if (get(k.federationBootstrap).length > 0 && get(k.federationSecret) === null)
    problems.push(problemOf(k.federationSecret, 'is needed because ATRIUM_FEDERATION_BOOTSTRAP_PEERS is set'));
  if (get(k.oauthKeyGrace) < get(k.oauthAccessTtl))
    problems.push(problemOf(k.oauthKeyGrace, 'must not be shorter than an access token lives'));
  if (get(k.oauthTransactionTokens) && get(k.oauthTrustDomain) === null)
    problems.push(problemOf(k.oauthTrustDomain, 'is needed because ATRIUM_OAUTH_TRANSACTION_TOKENS is true'));
  if (get(k.proxyProtocol) && get(k.trustedProxies).length === 0)
    problems.push(problemOf(k.trustedProxies, 'is needed because ATRIUM_PROXY_PROTOCOL is true'));
  if (get(k.oauthMtls) && get(k.trustedProxies).length === 0)
    problems.push(problemOf(k.trustedProxies, 'is needed because ATRIUM_OAUTH_MTLS is true'));
  const hooked = [k.hookTokenIssuingUrl, k.hookAgentUrls].find((key) => {
    const value = get(key as ConfigKey) as string | readonly string[] | null;
    return value !== null && value.length > 0;
  });
  if (hooked !== undefined && get(k.hookSecret) === null)
    problems.push(problemOf(k.hookSecret, `is needed because ${hooked.env} is set`));
  if (get(k.processes) > 1 && process.platform !== 'linux')
    problems.push(problemOf(k.processes, `must be 1 on ${process.platform}: its system does not share out a port`));
  if (get(k.processes) > 1 && get(k.role) === 'worker')
    problems.push(problemOf(k.processes, 'must be 1 because ATRIUM_ROLE is worker, which answers no requests'));
  if (get(k.role) !== 'all' && get(k.databaseUrl) === null) {
    const reason = `is needed because ATRIUM_ROLE is ${get(k.role)}: the database in the data directory belongs to one process`;
    problems.push(problemOf(k.databaseUrl, reason));
  }
  return problems;
}

function tlsContradictions(get: Get): ConfigProblem[] {
  const k = configKeys;
  const mode = get(k.tlsMode);
  const problems: ConfigProblem[] = [];
  for (const key of [k.tlsCertFile, k.tlsKeyFile]) {
    if (mode === 'files' && get(key) === null)
      problems.push(problemOf(key, 'is needed because ATRIUM_TLS_MODE is files'));
    if (mode !== 'files' && get(key) !== null)
      problems.push(problemOf(key, 'is of use with ATRIUM_TLS_MODE=files alone'));
  }
  if (mode === 'off' && get(k.tlsRedirectAddress) !== null)
    problems.push(problemOf(k.tlsRedirectAddress, 'leads nowhere while ATRIUM_TLS_MODE is off'));
  if (mode === 'acme' && get(k.tlsAcmeChallenge) === 'dns-01' && get(k.tlsAcmeDnsCommand) === null)
    problems.push(problemOf(k.tlsAcmeDnsCommand, 'is needed because ATRIUM_TLS_ACME_CHALLENGE is dns-01'));
  if (mode !== 'off' && get(k.publicUrl)?.startsWith('http:') === true)
    problems.push(problemOf(k.publicUrl, `must begin with https:// because ATRIUM_TLS_MODE is ${mode}`));
  return problems;
}

function rootOf(file: unknown, problems: ConfigProblem[]): Tree {
  if (file === null || file === undefined) return {};
  if (isTree(file)) return file;
  problems.push({ key: 'atrium.yaml', problem: 'must consist of keys and values', example: 'server: { port: 8080 }' });
  return {};
}

function parseKey(key: ConfigKey, input: ConfigInput, file: Tree, problems: ConfigProblem[]): unknown {
  const variable = input.environment[key.env];
  const fromFile = key.yaml === null ? undefined : at(file, key.yaml);
  const given = variable !== undefined && variable.trim() !== '' ? variable : (fromFile ?? undefined);
  if (given === undefined) return key.default === null ? null : key.type.parse(key.default);
  const value = key.type.parse(given);
  if (!(value instanceof Refusal)) return value;
  const name = given === variable ? key.env : `${key.yaml} (atrium.yaml)`;
  const shown = key.secret || typeof given === 'object' ? '' : `, not ${JSON.stringify(given)}`;
  problems.push({ key: name, problem: value.problem + shown, example: exampleOf(key, given === variable) });
  return null;
}

const problemOf = (key: ConfigKey, problem: string): ConfigProblem => ({
  key: key.env,
  problem,
  example: exampleOf(key, true),
});

const exampleOf = (key: ConfigKey, asVariable: boolean): string =>
  key.example.startsWith('the ')
    ? key.example
    : asVariable
      ? `${key.env}=${key.example}`
      : `${key.yaml}: ${key.example}`;

/** `health_checks` gives `ATRIUM_HEALTH_CHECKS_`. */
const variablePrefix = (section: string): string => `ATRIUM_${section.toUpperCase()}_`;

/** What the SDK and the command line read: a shell that is set up for them starts a server all the same. */
export const clientVariables: readonly string[] = [
  'ATRIUM_URL',
  'ATRIUM_API_URL',
  'ATRIUM_TOKEN',
  'ATRIUM_PROFILE',
  'ATRIUM_CLIENT_ID',
  'ATRIUM_CLIENT_SECRET',
  'ATRIUM_AGENT_PASSPHRASE',
  'ATRIUM_AGENT_NEW_PASSPHRASE',
];

function unknownVariables(
  environment: ConfigInput['environment'],
  keys: readonly ConfigKey[],
  sections: readonly string[],
): ConfigProblem[] {
  const known = keys.map((key) => key.env);
  return Object.keys(environment)
    .filter((name) => name.startsWith('ATRIUM_') && !known.includes(name) && !clientVariables.includes(name))
    .filter((name) => !sections.some((section) => name.startsWith(variablePrefix(section))))
    .map((name) => unknown(name, known, keys));
}

function unknownFileKeys(file: Tree, keys: readonly ConfigKey[], sections: readonly string[]): ConfigProblem[] {
  const known = keys.flatMap((key) => key.yaml ?? []);
  const isGroup = (path: string) => known.some((one) => one.startsWith(`${path}.`));
  const visit = (tree: Tree, prefix: string): ConfigProblem[] =>
    Object.entries(tree).flatMap(([name, value]) => {
      const path = prefix + name;
      if (known.includes(path) || (prefix === '' && sections.includes(name))) return [];
      if (!isGroup(path)) return [unknown(path, known, keys)];
      if (isTree(value)) return visit(value, `${path}.`);
      if (value === null) return [];
      return [
        { key: path, problem: 'must be a group of keys', example: `${known.find((k) => k.startsWith(path))}: …` },
      ];
    });
  return visit(file, '');
}

function unknown(name: string, known: readonly string[], keys: readonly ConfigKey[]): ConfigProblem {
  const nearest = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0]!;
  const near = distance(name, nearest) <= 3;
  const key = keys.find((one) => one.env === nearest || one.yaml === nearest)!;
  const problem = near ? `is not a setting; ${nearest} is` : 'is not a setting';
  return { key: name, problem, example: near ? exampleOf(key, key.env === nearest) : 'see docs/configuration.md' };
}

function collectSections(
  names: readonly string[],
  file: Tree,
  input: ConfigInput,
  keys: readonly ConfigKey[],
): Record<string, ConfigSection> {
  const known = new Set(keys.map((key) => key.env));
  const variables = Object.entries(input.environment).filter(([name, value]) => !known.has(name) && Boolean(value));
  const sectionOf = (name: string): ConfigSection => ({
    file: file[name],
    environment: Object.fromEntries(variables.filter(([key]) => key.startsWith(variablePrefix(name)))) as Record<
      string,
      string
    >,
  });
  return Object.fromEntries(names.map((name) => [name, sectionOf(name)]));
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const at = (tree: Tree, path: string): unknown =>
  path.split('.').reduce<unknown>((node, name) => (isTree(node) ? node[name] : undefined), tree);

/** Levenshtein distance, to name the setting that was probably meant. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
