import type { OutputOf, serverCapabilities } from '@atrium/protocol';
import type { Embedder } from '../modules/diaries/index.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { sinkAddress } from '../platform/events/sinks/sink-address.ts';

type Capability = OutputOf<typeof serverCapabilities>['items'][number];

const meaningOf = (embeddings: ConfigValues['config']['embeddings'], embedder: Embedder | null): string => {
  if (embeddings === null || embedder === null) return 'Diaries are searched by words alone';
  if (embeddings.kind === 'server') return `Asks ${new URL(embeddings.url).host} for ${embedder.model}`;
  return embedder.problem?.() ?? `The model ${embedder.model} of ${embeddings.path}`;
};

/** Which optional parts run, in words, with the setting that decides. */
export const capabilitiesOf = ({ config, secrets }: ConfigValues, embedder: Embedder | null): Capability[] => {
  const one = (name: string, on: boolean, detail: string, setting: string | null): Capability => ({
    ...{ name, on, detail, setting },
  });
  const s3 = config.files.storage === 's3';
  return [
    one(
      'Own database',
      secrets.databaseUrl === null,
      secrets.databaseUrl === null ? 'PostgreSQL in the data directory' : 'PostgreSQL elsewhere',
      'DATABASE_URL',
    ),
    one(
      'Redis',
      secrets.redisUrl !== null,
      secrets.redisUrl === null ? 'Rate counters live in PostgreSQL' : 'Shares rate counters between replicas',
      'REDIS_URL',
    ),
    one(
      'Object storage',
      s3,
      s3 ? 'Files go to S3-compatible storage' : 'Files lie in the data directory',
      'ATRIUM_FILES',
    ),
    one(
      'Search by meaning',
      embedder !== null && (embedder.problem?.() ?? null) === null,
      meaningOf(config.embeddings, embedder),
      config.embeddings?.kind === 'server' ? 'ATRIUM_EMBEDDINGS_URL' : 'ATRIUM_EMBEDDINGS_DIR',
    ),
    one(
      'Event sinks',
      secrets.eventSinks.length > 0,
      secrets.eventSinks.length > 0
        ? `Events go to ${secrets.eventSinks.map((address) => sinkAddress(address).name).join(', ')}`
        : 'Events stay in this server',
      'ATRIUM_EVENTS_SINKS',
    ),
    one(
      'Traces',
      config.telemetry.otlpEndpoint !== null,
      config.telemetry.otlpEndpoint === null ? 'No traces are sent' : 'Sent by OTLP',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
    ),
    one(
      'Metrics from elsewhere',
      secrets.metricsToken !== null,
      secrets.metricsToken === null ? 'Read from this machine alone' : 'Read with a bearer token',
      'ATRIUM_METRICS_TOKEN',
    ),
    one(
      'Open sign-up',
      config.auth.openRegistration,
      config.auth.openRegistration ? 'Anybody may make an account' : 'An account needs an invitation',
      'ATRIUM_OPEN_REGISTRATION',
    ),
    one(
      'Reverse proxy',
      config.server.trustedProxies.length > 0,
      config.server.trustedProxies.length > 0
        ? `Believed from ${config.server.trustedProxies.map(({ cidr }) => cidr).join(', ')}`
        : 'Forwarded addresses are not believed',
      'ATRIUM_TRUSTED_PROXIES',
    ),
    one(
      'Client certificates',
      config.oauth.mtls,
      config.oauth.mtls
        ? `Taken from the proxy in ${config.oauth.certificateHeader}, ${config.oauth.certificateAuthorities === null ? 'of clients themselves' : 'of authorities and of clients themselves'}`
        : 'Clients prove themselves by secret or key',
      'ATRIUM_OAUTH_MTLS',
    ),
  ];
};
